// Package browser holds no code: its tests build the sandbox, start it, and walk its
// page in a real Chromium, as a recruiter and a provider's engineer would.
//
// It is a module of its own, so that nobody who uses the SDK downloads a browser's
// protocol.
package browser
