//! What a plugin may use. Defaults hold where a manifest asks for nothing; a manifest may ask up to the ceilings.

use std::time::Duration;

use wasmtime::ResourceLimiter;

use crate::strikes::Strikes;

const MIB: u64 = 1 << 20;

/// Limits of every plugin in one host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Linear memory of one call, bytes, where the manifest asks for nothing.
    pub memory: u64,
    /// The most memory that a manifest may ask for, bytes.
    pub memory_ceiling: u64,
    /// Processor time of one call where the manifest asks for nothing.
    pub time: Duration,
    /// The most time that a manifest may ask for.
    pub time_ceiling: Duration,
    /// Elements of all tables of one call.
    pub table_elements: usize,
    /// Core instances of one call.
    pub instances: usize,
    /// Calls of one plugin that run at once.
    pub running: usize,
    /// Calls of one plugin that wait for their turn; more are refused as overloaded.
    pub waiting: usize,
    /// Bytes that a plugin may hand over in one answer.
    pub answer: usize,
    /// Bytes of a log line; longer ones are cut.
    pub log_line: usize,
    /// Log lines of one plugin in a second; more are dropped and counted.
    pub log_lines_per_second: u32,
    /// Bytes of a component file.
    pub file: u64,
    /// Failures that take a plugin out of service.
    pub strikes: Strikes,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            memory: 64 * MIB,
            // Guests that carry a Python or JavaScript engine need more than the default.
            memory_ceiling: 512 * MIB,
            time: Duration::from_millis(500),
            time_ceiling: Duration::from_secs(10),
            table_elements: 20_000,
            instances: 50,
            running: 8,
            waiting: 64,
            answer: 4 << 20,
            log_line: 1024,
            log_lines_per_second: 200,
            file: 200 * MIB,
            strikes: Strikes::default(),
        }
    }
}

/// Counts what one call takes and refuses growth beyond the limits.
#[derive(Debug)]
pub(crate) struct Limiter {
    memory_limit: usize,
    element_limit: usize,
    instance_limit: usize,
    memory: usize,
    elements: usize,
    /// What was refused, for the error of the call.
    pub(crate) denied: Option<Denied>,
}

/// A growth that was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Denied {
    Memory,
    Table,
}

impl Limiter {
    pub(crate) fn new(limits: &Limits, memory: u64) -> Self {
        Self {
            memory_limit: usize::try_from(memory).unwrap_or(usize::MAX),
            element_limit: limits.table_elements,
            instance_limit: limits.instances,
            memory: 0,
            elements: 0,
            denied: None,
        }
    }

    /// Bytes of linear memory that the call holds; memory never shrinks, so this is its peak as well.
    pub(crate) fn memory(&self) -> u64 {
        self.memory as u64
    }
}

impl ResourceLimiter for Limiter {
    fn memory_growing(&mut self, current: usize, desired: usize, _maximum: Option<usize>) -> wasmtime::Result<bool> {
        let total = self.memory.saturating_add(desired.saturating_sub(current));
        if total > self.memory_limit {
            self.denied = Some(Denied::Memory);
            return Ok(false);
        }
        self.memory = total;
        Ok(true)
    }

    fn table_growing(&mut self, current: usize, desired: usize, _maximum: Option<usize>) -> wasmtime::Result<bool> {
        let total = self.elements.saturating_add(desired.saturating_sub(current));
        if total > self.element_limit {
            self.denied = Some(Denied::Table);
            return Ok(false);
        }
        self.elements = total;
        Ok(true)
    }

    fn instances(&self) -> usize {
        self.instance_limit
    }

    fn tables(&self) -> usize {
        self.instance_limit
    }

    fn memories(&self) -> usize {
        self.instance_limit
    }
}
