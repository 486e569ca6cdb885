//! Says what is selected: the smallest useful plugin.
