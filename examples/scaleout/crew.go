package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"sync"
	"syscall"
	"time"
)

// crew is the nodes' processes.
type crew struct {
	task  task // of every node, but for its number
	log   io.Writer
	heard func(node int, l line)

	mu    sync.Mutex
	procs map[int]*process
	fail  chan error // why the run cannot go on: a node ended that was not killed
}

// process is one life of a node.
type process struct {
	cmd      *exec.Cmd
	orders   io.WriteCloser
	ended    chan struct{} // closed when err is there
	err      error
	dismiss  bool // it is to end; guarded by crew.mu
	ordering sync.Mutex
}

func newCrew(t task, log io.Writer, heard func(int, line)) *crew {
	return &crew{task: t, log: log, heard: heard, procs: map[int]*process{}, fail: make(chan error, 4)}
}

// start gives a node a process. It ends with ctx at the latest.
func (c *crew) start(ctx context.Context, node int) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	t := c.task
	t.Node = node
	cmd := exec.CommandContext(ctx, self, "-node", strconv.Itoa(node))
	cmd.Stderr = c.log
	p := &process{cmd: cmd, ended: make(chan struct{})}
	if p.orders, err = cmd.StdinPipe(); err != nil {
		return err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	// The task is the first line; what is written to a process that died is lost.
	_ = json.NewEncoder(p.orders).Encode(t)
	c.mu.Lock()
	c.procs[node] = p
	c.mu.Unlock()
	go c.listen(node, p, out)
	return nil
}

// listen hears what a node says until it ends.
func (c *crew) listen(node int, p *process, out io.Reader) {
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		var l line
		if json.Unmarshal(lines.Bytes(), &l) == nil { // else it was cut by the kill
			c.heard(node, l)
		}
	}
	p.err = p.cmd.Wait()
	close(p.ended)
	c.mu.Lock()
	defer c.mu.Unlock()
	if !p.dismiss {
		c.fail <- fmt.Errorf("node %d ended by itself: %v", node, p.err)
	}
}

// tell gives an order. A node that is gone hears nothing, and begins its share anew.
func (c *crew) tell(node int, order string) {
	p := c.of(node)
	if p == nil {
		return
	}
	p.ordering.Lock()
	defer p.ordering.Unlock()
	_, _ = io.WriteString(p.orders, order+"\n")
}

func (c *crew) of(node int) *process {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.procs[node]
}

// letGo is of, of a process that is to end.
func (c *crew) letGo(node int) *process {
	c.mu.Lock()
	defer c.mu.Unlock()
	if p := c.procs[node]; p != nil {
		p.dismiss = true
		return p
	}
	return nil
}

// kill ends a node with SIGKILL, wherever it is.
func (c *crew) kill(node int) error {
	p := c.letGo(node)
	if err := p.cmd.Process.Kill(); err != nil {
		return err
	}
	<-p.ended
	var exit *exec.ExitError
	if errors.As(p.err, &exit) {
		if w, ok := exit.Sys().(syscall.WaitStatus); ok && w.Signal() == syscall.SIGKILL {
			return nil
		}
	}
	return fmt.Errorf("node %d was killed and ended with %v", node, p.err)
}

// stop lets the nodes finish what they have in hand.
func (c *crew) stop(nodes ...int) error {
	var errs []error
	for _, n := range nodes {
		c.letGo(n)
		c.tell(n, orderStop)
	}
	for _, n := range nodes {
		if p := c.of(n); p != nil {
			late := time.AfterFunc(patience, func() { _ = p.cmd.Process.Kill() })
			<-p.ended
			late.Stop()
			if p.err != nil {
				errs = append(errs, fmt.Errorf("node %d: %w", n, p.err))
			}
		}
	}
	return errors.Join(errs...)
}

// wait returns when no process is left. Its caller has ended their context.
func (c *crew) wait() {
	c.mu.Lock()
	all := slices.Collect(maps.Values(c.procs))
	c.mu.Unlock()
	for _, p := range all {
		<-p.ended
	}
}
