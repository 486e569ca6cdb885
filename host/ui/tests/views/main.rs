//! Views as a person meets them: by label, by pointer and by keyboard.

mod form;
mod items;
mod table;
mod window;
