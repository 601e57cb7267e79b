//! The one table of error codes, reasons and default replies.
