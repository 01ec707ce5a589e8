// Package lenient is the one reader of JSON that somebody else wrote: bodies of
// deliveries and answers to calls.
//
// A document that is no JSON is an error. Everything else is read as far as it
// can be, and whatever was odd is reported with its path, all of it at once:
//
//   - A value of another type than documented leaves its field at zero. A number
//     where text is documented is kept as its digits, also beyond 2^53.
//   - Members match by their exact names. encoding/json takes "ID" for "id".
//   - Of a repeated member the last one wins whole. encoding/json merges two
//     objects of the same name.
//   - Text is always valid UTF-8 without U+0000, and so are raw parts, which have
//     no lone surrogates either: databases refuse those.
//   - A byte order mark before the document is skipped.
//
// The reader has its own scanner, so that its results do not depend on the Go
// release: encoding/json was rewritten in Go 1.27.
package lenient
