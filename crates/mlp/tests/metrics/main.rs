//! Metrics, against what scikit-learn gives, and by their laws.

mod golden;
mod laws;
