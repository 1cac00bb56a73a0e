package child

import (
	"os/exec"
	"syscall"
)

func dieWithParent(cmd *exec.Cmd) {
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{}
	}
	cmd.SysProcAttr.Pdeathsig = syscall.SIGKILL
	// Its own group, so that Ctrl-C at a terminal reaches the parent alone and
	// the parent decides the order in which things stop.
	cmd.SysProcAttr.Setpgid = true
}
