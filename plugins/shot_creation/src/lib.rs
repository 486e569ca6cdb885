//! Creates sequences, shots and tasks in ftrack from Flame segments or typed names.
