-- SMIs an hour by model and BIOS, and the hosts with most of them.
select model, bios, host, smis / (elapsed_ns / 3.6e12) as smis_per_hour,
    median(smis / (elapsed_ns / 3.6e12)) over (partition by model, bios) as usual
from runs
where smis is not null
qualify smis_per_hour > 2 * usual
order by smis_per_hour / usual desc
limit 50;
