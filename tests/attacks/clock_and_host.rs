//! A clock that was set back, a library that is preloaded, a namespace that shows another machine.
