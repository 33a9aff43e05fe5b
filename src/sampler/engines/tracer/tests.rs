//! The instance, its pipe and its lines on the running kernel: any kernel with
//! tracing has these, also one without the two tracers.

use std::time::{Duration, Instant};

use crate::changes::{Changes, Guard, LiveAccess, SharedChanges};
use crate::host::root::Root;
use crate::host::tracefs::Tracefs;
use crate::sampler::engines::tracer::instance::Instance;
use crate::sampler::engines::tracer::line::Line;
use crate::sampler::engines::tracer::pipe::Pipe;
use crate::sampler::engines::tracer::records::Switch;
use crate::sampler::engines::tracer::settings::Settings;
use crate::sys::tsc;
use crate::units::cpulist::CpuList;

#[test]
fn switches_come_out_of_an_instance_that_goes_without_a_trace() {
    let journal = tempfile::tempdir().unwrap();
    let tracefs = match Tracefs::open(&Root::live()) {
        Ok(tracefs) => tracefs,
        Err(reason) => {
            eprintln!("skipped: {reason}");
            return;
        }
    };
    let access = LiveAccess::new(Root::live());
    let changes = Changes::begin(access, journal.path(), String::new(), &Guard::Absent);
    let mut settings = Settings::begin(SharedChanges::new(changes.unwrap()));
    let cpus: CpuList = "0".parse().unwrap();
    let instance = match Instance::create(&tracefs, &mut settings, &cpus) {
        Ok(instance) => instance,
        Err(error) => {
            eprintln!("skipped: {error}");
            return;
        }
    };
    let before = tsc::read();
    instance
        .set("events/sched/sched_switch/enable", "1")
        .unwrap();
    let mut pipe = Pipe::open(instance.folder()).unwrap();
    instance.set("tracing_on", "1").unwrap();
    let (mut switches, begun) = (0, Instant::now());
    while switches < 10 && begun.elapsed() < Duration::from_secs(20) {
        std::thread::sleep(Duration::from_millis(10));
        pipe.drain(&mut |line| {
            if let Some(Line::Record { cpu, at, text }) = Line::parse(line) {
                assert_eq!(cpu.0, 0);
                assert!((before..=tsc::read()).contains(&at.0), "{text}");
                switches += u32::from(Switch::parse(&text).is_some());
            }
        })
        .unwrap();
    }
    assert!(switches >= 10, "{switches} switches in 20 s");
    drop(pipe);
    instance.end();
    assert_eq!(settings.put_back(), [""; 0]);
    assert!(instance.folder().list_dir("").is_err());
}
