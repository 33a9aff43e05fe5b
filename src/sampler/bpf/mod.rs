//! wip
mod layout;
mod probe;
mod program;
mod shot;
pub use probe::{Ability, Missing, probe};

#[cfg(test)]
mod tests {
    use super::*;
    #[test]
    fn proto() {
        let root = crate::host::root::Root::live();
        let host = crate::host::Host::read(&root);
        let ability = probe(&root, &host).unwrap();
        println!("{ability:?}");
        let mut l = shot::Loaded::new(ability.functions, ability.counters).unwrap();
        for _ in 0..10 {
        let s = l.fire(shot::Order{length: crate::units::Nanos(10_000_000), trip: crate::units::Nanos(300), threshold: crate::units::Nanos(10_000), rounds: 100_000_000}).unwrap();
        println!("{s:?} {}", (s.last.0-s.first.0) as f64/ s.rounds as f64);
        for r in l.records(&s).take(5) { println!("  {r:?} {}", r.end.0-r.start.0); }
        }
    }
}
