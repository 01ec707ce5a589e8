//go:build !unix

package sandbox

import (
	"io/fs"
	"os/exec"
)

func shellCommand(line string) *exec.Cmd { return exec.Command("cmd", "/C", line) }

// inGroup does nothing: there are no groups of processes here.
func inGroup(*exec.Cmd) {}

// end does nothing: a process cannot be asked to end here.
func end(*exec.Cmd) {}

func kill(cmd *exec.Cmd) { _ = cmd.Process.Kill() }

// othersMay is always false: who may do what is not in the mode here.
func othersMay(fs.FileMode) bool { return false }
