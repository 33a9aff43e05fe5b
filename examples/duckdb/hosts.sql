-- Each host by its latest state: `hwgap fleet` judges in the same way.
with states as (
    select *, max_by((model, bios, microcode, kernel, vendor, cpu, hypervisor), started_utc)
        over (partition by coalesce(host, source)) as latest
    from runs
),
counting as (
    select * from states
    where (model, bios, microcode, kernel, vendor, cpu, hypervisor) is not distinct from latest
)
select coalesce(host, source) as host,
    case
        when bool_or(policy_result = 'fail') then 'fail'
        when bool_or(policy_result = 'pass') then 'pass'
        else 'inconclusive'
    end as result,
    max(platform_max_ns) / 1000 as worst_us,
    sum(platform_stalls) / sum(covered_hours) as stalls_per_hour
from counting
group by 1
order by result, worst_us desc;
