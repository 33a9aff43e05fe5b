-- Which BIOS fails how often, the worst first.
select vendor, model, bios,
    count(distinct host) as hosts,
    count(distinct host) filter (policy_result = 'fail') as failing,
    max(platform_max_ns) / 1000 as worst_us,
    median(platform_max_ns) / 1000 as median_worst_us
from runs
group by all
order by failing / hosts desc, hosts desc;
