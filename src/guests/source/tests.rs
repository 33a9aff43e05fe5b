//! The source on the machine that runs the tests.

use super::*;
use crate::guests::source::bpf::Order;

/// What is there, or why not.
fn parts() -> Result<(Tracefs, Points), String> {
    let tracefs = Tracefs::open(&Root::live())?;
    let points = Points::find(&Root::live(), tracefs.root());
    points
        .map(|points| (tracefs, points))
        .map_err(|error| error.to_string())
}

fn order(points: Points, online: &[CpuId]) -> Order<'_> {
    Order {
        points,
        online,
        highest: *online.last().unwrap(),
        ring_bytes: 1 << 18,
        threshold: Nanos(5_000),
        all: false,
        smis: None,
    }
}

/// Any thread can stand for a vCPU's: from its being switched out on, it is all
/// told.
#[test]
fn the_scheduler_is_told_of_a_thread_by_both_sources() {
    let (_tracefs, points) = match parts() {
        Ok(parts) => parts,
        Err(reason) => return println!("skipped: {reason}"),
    };
    let mut clock = Clock::begin();
    let online: Vec<CpuId> = CpuSets::read(&Root::live())
        .online
        .unwrap()
        .iter()
        .collect();
    let mut bpf = match Bpf::attach(order(points.clone(), &online)) {
        Ok(bpf) => bpf,
        Err(reason) if reason.contains("not permitted") => return println!("skipped: {reason}"),
        Err(reason) => panic!("{reason}"),
    };
    let mut rings = Rings::open(points, &online, 1 << 20).unwrap();
    let own = crate::sys::sched::thread_id();
    bpf.want_thread(own);
    // While a program of another test runs on a CPU, the kernel shows events that
    // have programs to no ring (kernel/trace/bpf_trace.c, trace_call_bpf).
    let mut attempts = (0..40).map(|_| {
        for _ in 0..20 {
            std::thread::sleep(Duration::from_millis(2));
        }
        clock.tick();
        let by_programs = bpf.drain(&clock).events;
        let by_rings = rings.drain(&clock);
        match (bpf.lost(), rings.lost()) {
            (0, 0) => both_tell(own, &by_programs, &by_rings),
            lost => Err(format!("lost: {lost:?}")),
        }
    });
    let mut said = Vec::new();
    let holds = attempts.any(|told| told.map_err(|why| said.push(why)).is_ok());
    assert!(holds, "{said:#?}");
}

/// Whether both tell of a thread that has slept 20 times, and the same.
fn both_tell(own: u32, by_programs: &[Event], by_rings: &[Event]) -> Result<(), String> {
    for events in [by_programs, by_rings] {
        let count = |is: &dyn Fn(&What) -> bool| events.iter().filter(|one| is(&one.what)).count();
        let away = count(
            &|what| matches!(what, What::Switch { from, left: Left::Asleep, .. } if *from == own),
        );
        let back = count(&|what| matches!(what, What::Switch { to, .. } if *to == own));
        let woken = count(&|what| matches!(what, What::Waking { tid, .. } if *tid == own));
        let counts = (away, back, woken, events.len(), by_rings.len());
        if away < 19 || back < 19 || woken < 19 {
            return Err(format!("{counts:?}"));
        }
    }
    // Between its coming and its going nobody is told twice, and the same is told.
    let switches = |events: &[Event]| -> Vec<What> {
        let own = events.iter().filter(|event| {
            matches!(&event.what, What::Switch { from, to, .. } if [from, to].contains(&&own))
        });
        own.map(|event| event.what.clone()).collect()
    };
    let (program, ring) = (switches(by_programs), switches(by_rings));
    let same = ring.ends_with(&program) || program.ends_with(&ring);
    match same && by_programs.len() < by_rings.len() {
        true => Ok(()),
        false => Err(format!("{program:#?} {ring:#?}")),
    }
}

#[test]
fn states_tell_how_a_task_left() {
    for (state, how) in [
        (0, Left::Runnable),
        (0x100, Left::Runnable),
        (1, Left::Asleep),
        (0x80, Left::Asleep),
        (4, Left::Stopped),
        (0x208, Left::Stopped),
    ] {
        assert_eq!(left(state), how, "{state:#x}");
    }
    assert_eq!(name(b"CPU 0/KVM\0\0junk"), "CPU 0/KVM");
}
