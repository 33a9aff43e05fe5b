//! The source on the machine that runs the tests.

use std::sync::{Mutex, PoisonError};

use super::*;
use crate::guests::source::bpf::Order;
use crate::guests::source::points::Point;

/// One test at a time has programs at tracepoints: while one is at work, the kernel
/// shows what has programs to no ring.
static ALONE: Mutex<()> = Mutex::new(());

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
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
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

/// System calls in the place of exits: the way into the kernel for kvm_exit, the way
/// out for kvm_entry, with the arguments of clock_nanosleep where kvm_exit has its
/// fields.
fn system_calls(live: Points, tracefs: &Root) -> Points {
    let folder = tempfile::tempdir().unwrap();
    let stand_in = |event: &'static str, fields: &str| {
        let path = folder.path().join("events").join(event);
        std::fs::create_dir_all(&path).unwrap();
        let id = tracefs.read_text(&format!("events/{event}/id")).unwrap();
        std::fs::write(path.join("id"), id).unwrap();
        std::fs::write(path.join("format"), fields).unwrap();
        Point::find(&Root::at(folder.path()), event).unwrap()
    };
    let field = |(name, offset, size): (&str, u32, u32)| {
        format!("\tfield:u32 {name};\toffset:{offset};\tsize:{size};\tsigned:0;\n")
    };
    let fields = [
        ("exit_reason", 8, 4),
        ("isa", 16, 4),
        ("vcpu_id", 24, 4),
        ("info1", 32, 8),
        ("info2", 40, 8),
    ];
    let mut points = live;
    points.exit = stand_in("raw_syscalls/sys_enter", &fields.map(field).concat());
    points.entry = stand_in("raw_syscalls/sys_exit", "");
    points
}

/// The programs, at system calls of this process.
fn attached_to_system_calls(points: Points, online: &[CpuId]) -> Result<Bpf, String> {
    let bpf = Bpf::attach(order(points, online))?;
    bpf.want_process(std::process::id());
    Ok(bpf)
}

fn sleep_by_the_monotonic_clock() {
    use nix::time::{ClockId, ClockNanosleepFlags, clock_nanosleep};
    let length = Duration::from_millis(2).into();
    clock_nanosleep(
        ClockId::CLOCK_MONOTONIC,
        ClockNanosleepFlags::empty(),
        &length,
    )
    .unwrap();
}

#[test]
fn an_absence_is_told_from_exit_to_entry_with_what_the_scheduler_did() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let (tracefs, points) = match parts() {
        Ok(parts) => parts,
        Err(reason) => return println!("skipped: {reason}"),
    };
    let online: Vec<CpuId> = (CpuSets::read(&Root::live()).online.unwrap().iter()).collect();
    let points = system_calls(points, tracefs.root());
    let mut clock = Clock::begin();
    let mut bpf = match attached_to_system_calls(points, &online) {
        Ok(bpf) => bpf,
        Err(reason) if reason.contains("not permitted") => return println!("skipped: {reason}"),
        Err(reason) => panic!("{reason}"),
    };
    let own = crate::sys::sched::thread_id();
    // Programs of other tests hide events, as above.
    let mut attempts = (0..40).map(|_| {
        for _ in 0..20 {
            sleep_by_the_monotonic_clock();
        }
        clock.tick();
        let events = bpf.drain(&clock).events;
        let kinds = events.iter().filter_map(|event| match event.what {
            What::Exit {
                tid,
                isa: Isa::Vmx,
                code: SLEEP,
                vcpu: Some(0),
                ..
            } => (tid == own).then_some('x'),
            What::Switch {
                from,
                left: Left::Asleep,
                ..
            } if from == own => Some('s'),
            // A timer's handler wakes a sleeper, with PREEMPT_RT its softirq.
            What::Waking { tid, ref by, .. } if tid == own => {
                matches!(by.as_deref(), Some("local_timer" | "hrtimer")).then_some('w')
            }
            What::Switch { to, .. } if to == own => Some('r'),
            What::Entry { tid, .. } if tid == own => Some('e'),
            _ => None,
        });
        let kinds: String = kinds.collect();
        match kinds.matches("xswre").count() {
            15.. => Ok(()),
            _ => Err(kinds),
        }
    });
    let mut said = Vec::new();
    let holds = attempts.any(|told| told.map_err(|why| said.push(why)).is_ok());
    assert!(holds, "{said:#?}");
}

const SLEEP: u32 = 230;

/// Prints what the programs of an exit and an entry take on this machine;
/// `benches/run` calls it.
#[test]
#[ignore = "a measurement"]
fn what_an_exit_takes() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let calls = 200_000;
    let measure = || {
        let mut turns = [(); 5].map(|()| {
            let began = Instant::now();
            for _ in 0..calls {
                std::hint::black_box(std::os::unix::process::parent_id());
            }
            began.elapsed().as_secs_f64() * 1e9 / f64::from(calls)
        });
        turns.sort_by(f64::total_cmp);
        turns[2]
    };
    let (tracefs, points) = match parts() {
        Ok(parts) => parts,
        Err(reason) => return println!("an exit: not measured: {reason}"),
    };
    let online: Vec<CpuId> = (CpuSets::read(&Root::live()).online.unwrap().iter()).collect();
    let points = system_calls(points, tracefs.root());
    measure();
    let unwatched = measure();
    let _bpf = match attached_to_system_calls(points, &online) {
        Ok(bpf) => bpf,
        Err(reason) => return println!("an exit: not measured: {reason}"),
    };
    let more = measure() - unwatched;
    let part = more * 1e5 / 1e9 * 100.0;
    println!(
        "{:<50} {more:9.1} ns",
        "exit seen by hwgap host (a system call)"
    );
    println!(
        "{:<50} {part:9.2} {:<6} {:>8}",
        "100,000 such exits a second, of a CPU", "%", "< 3"
    );
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
