-- How long stalls are, by cause and model.
select model, cause, count(*) as stalls,
    quantile_cont(duration_ns, [0.5, 0.99, 1.0]) as median_p99_worst_ns
from stalls join runs using (run)
group by all
order by stalls desc;
