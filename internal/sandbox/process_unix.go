//go:build unix

package sandbox

import (
	"io/fs"
	"os/exec"
	"syscall"
)

func shellCommand(line string) *exec.Cmd { return exec.Command("/bin/sh", "-c", line) }

// inGroup makes the process the first of a group, so that what it starts can be ended
// with it.
func inGroup(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} }

// end asks the group to end. An error means that it has ended.
func end(cmd *exec.Cmd) { _ = syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM) }

func kill(cmd *exec.Cmd) { _ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }

// othersMay tells whether others than the owner may read or write a file.
func othersMay(mode fs.FileMode) bool { return mode.Perm()&0o077 != 0 }
