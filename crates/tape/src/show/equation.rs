//! Equations (placeholder).
