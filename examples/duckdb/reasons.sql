-- What most runs break, and an example of each.
select rule, outcome, count(*) as runs, any_value(text) as example
from reasons
where waived is null
group by all
order by runs desc;
