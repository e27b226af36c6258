//! How large and how deep what is read may be, so that no input can exhaust memory or the stack.

/// Brackets and blocks within each other.
pub(super) const MAX_NESTING: usize = 80;
/// Operators in one statement.
pub(super) const MAX_OPERATORS: usize = 1500;
/// Bytes of one file.
pub(super) const MAX_BYTES: usize = 16 << 20;
/// Files pasted into each other at most.
pub(super) const MAX_PASTES: usize = 200;
/// Bytes one text may have.
pub(super) const MAX_TEXT: usize = 64 << 20;
/// Items one list or dictionary may have.
pub(super) const MAX_ITEMS: usize = 200_000;
/// Rounds of all loops and comprehensions of one configuration together.
pub(super) const MAX_ROUNDS: usize = 100_000;
