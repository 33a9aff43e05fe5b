-- Periods that many hosts share, to a hundredth, with their share of the model.
select model, round(ln(period_ns / 1e9) / ln(1.01)) as step,
    median(period_ns) / 1e9 as period_s,
    median(length_ns) / 1e3 as length_us,
    count(distinct host) as hosts
from series join runs using (run)
group by all
having count(distinct host) >= 3
order by hosts desc;
