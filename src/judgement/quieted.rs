//! Settings of the host that a run changed, as the report has them.

use crate::changes::PutBack;
use crate::model::{PutBackResult, QuietHost, QuietResult, QuietSetting};
use crate::quiet::{Record, Result};

pub fn report(records: &[Record]) -> QuietHost {
    QuietHost {
        settings: records.iter().map(setting).collect(),
    }
}

fn setting(record: &Record) -> QuietSetting {
    let (result, reason, put_back) = match &record.result {
        Result::Changed { put_back, .. } => (QuietResult::Changed, None, put_back.as_ref()),
        Result::Already => (QuietResult::Unchanged, None, None),
        Result::Refused(reason) => (QuietResult::Refused, Some(reason.clone()), None),
        Result::Skipped(reason) => (QuietResult::Skipped, Some(reason.clone()), None),
    };
    let (put_back, put_back_reason) = match put_back {
        None => (None, None),
        Some(PutBack::Done) => (Some(PutBackResult::Done), None),
        Some(PutBack::Already) => (Some(PutBackResult::Already), None),
        Some(PutBack::Gone) => (Some(PutBackResult::Gone), None),
        Some(PutBack::Conflict(found) | PutBack::Accepted(found)) => {
            (Some(PutBackResult::Conflict), Some(found.clone()))
        }
        Some(PutBack::Failed(reason)) => (Some(PutBackResult::Failed), Some(reason.clone())),
    };
    QuietSetting {
        step: record.step.to_string(),
        setting: record.setting.clone(),
        before: record.old.clone(),
        during: record.new.clone(),
        result,
        reason,
        put_back,
        put_back_reason,
    }
}
