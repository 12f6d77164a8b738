//! Measures over all thresholds: precision-recall curves, calibration, and thresholds per relation.

mod calibration;
mod joint;
mod platt;
mod points;
mod relation;
mod scored;

pub use calibration::{Calibration, CalibrationBin, calibration};
pub use joint::{JointScoredPredictions, JointThresholds, best_joint_relation_thresholds, best_joint_thresholds};
pub use platt::ScoreCalibration;
pub use points::{CurvePoint, average_precision, precision_recall_curve};
pub use relation::{BestRelationThresholds, best_relation_thresholds};
pub use scored::{ScoredPredictions, check_scores, scored, scored_by_relation};

pub(crate) use points::{sorted, steps};
