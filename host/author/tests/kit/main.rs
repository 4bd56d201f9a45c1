//! The author kit, driven from outside as an author drives it: with the real compiler and the real runtime.

mod building;
mod checking;
mod installing;
mod making;
mod support;
mod testing;
