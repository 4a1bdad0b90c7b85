#pragma once
/// The mark of functions that may allocate, free, throw, lock, print or log: constructors and destructors of what owns
/// memory, checks of a configuration, files and texts. Hot code does none of that and calls none of these functions;
/// scripts/lib/check_objects.py tells the two apart by the section that the mark puts a function into.
///
/// It stands before a definition in a .cpp. Local and inline functions go without it: they are judged by which
/// functions reach them (and an inline one may not share a named section with others).

#define SERRIED_SETUP [[gnu::section(".text.setup")]]
