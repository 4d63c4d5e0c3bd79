package mongo_test

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/api/types/network"
	"github.com/moby/moby/client"
	"github.com/testcontainers/testcontainers-go"
	"github.com/testcontainers/testcontainers-go/wait"
)

// server is one mongod in a container.
type server struct {
	c    testcontainers.Container
	host string // its name for the other members
	own  string // the network of the members

	mu   sync.Mutex
	addr string // on loopback; it changes with every start
	via  string // a proxy in front of it, or ""
}

// image returns the image that scripts/mongo.sh found.
func image(t *testing.T) string {
	t.Helper()
	name := os.Getenv("MONGO_IMAGE")
	if name == "" {
		t.Fatal("MONGO_IMAGE names no image: run the suite with scripts/mongo.sh")
	}
	return name
}

// labels mark what this run starts. If this process is killed, scripts/mongo.sh
// removes it by them.
func labels() map[string]string {
	return map[string]string{"echosession.mongo.run": os.Getenv("ECHOSESSION_MONGO_RUN")}
}

// startServer starts a mongod with these arguments, until the suite ends. It waits
// for a line of the log, because the port is open earlier.
func startServer(t *testing.T, args []string, opts ...testcontainers.ContainerCustomizer) *server {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	c, err := testcontainers.Run(ctx, image(t), append([]testcontainers.ContainerCustomizer{
		testcontainers.WithCmd(append([]string{"mongod", "--bind_ip_all"}, args...)...),
		testcontainers.WithExposedPorts("27017/tcp"),
		testcontainers.WithLabels(labels()),
		testcontainers.WithWaitStrategy(wait.ForLog("Waiting for connections").WithStartupTimeout(time.Minute)),
		// On loopback alone: nothing outside this machine may reach it.
		testcontainers.WithHostConfigModifier(onLoopback),
	}, opts...)...)
	if c != nil {
		closing.add(func(ctx context.Context) error { return c.Terminate(ctx, testcontainers.StopTimeout(0)) })
	}
	if err != nil {
		t.Fatalf("starting MongoDB: %v", err)
	}
	s := &server{c: c, host: "127.0.0.1:27017"}
	s.refresh(t)
	return s
}

func onLoopback(h *container.HostConfig) {
	h.PortBindings = network.PortMap{
		network.MustParsePort("27017/tcp"): {{HostIP: netip.MustParseAddr("127.0.0.1")}},
	}
}

// refresh finds out the port, which every start changes.
func (s *server) refresh(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), 20*time.Second)
	defer cancel()
	host, err := s.c.Host(ctx)
	if err != nil {
		t.Fatalf("docker: %v", err)
	}
	if host == "localhost" {
		host = "127.0.0.1" // localhost may mean ::1 first
	}
	port, err := s.c.MappedPort(ctx, "27017/tcp")
	if err != nil {
		t.Fatalf("docker: %v", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.addr = net.JoinHostPort(host, fmt.Sprint(port.Num()))
}

// address returns the address for clients that ask for this server.
func (s *server) address() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.via != "" {
		return s.via
	}
	return s.addr
}

func (s *server) route(via string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.via = via
}

func docker(t *testing.T) *testcontainers.DockerClient {
	t.Helper()
	d, err := testcontainers.NewDockerClientWithOpts(t.Context())
	if err != nil {
		t.Fatalf("docker: %v", err)
	}
	t.Cleanup(func() { d.Close() })
	return d
}

// act does something to the container.
func (s *server) act(t *testing.T, what string) {
	t.Helper()
	d := docker(t)
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), 20*time.Second)
	defer cancel()
	var err error
	switch id := s.c.GetContainerID(); what {
	case "kill":
		_, err = d.ContainerKill(ctx, id, client.ContainerKillOptions{Signal: "KILL"})
	case "stop":
		_, err = d.ContainerStop(ctx, id, client.ContainerStopOptions{Timeout: new(5)})
	case "pause":
		_, err = d.ContainerPause(ctx, id, client.ContainerPauseOptions{})
	case "unpause":
		_, err = d.ContainerUnpause(ctx, id, client.ContainerUnpauseOptions{})
	case "start":
		if _, err = d.ContainerStart(ctx, id, client.ContainerStartOptions{}); err == nil {
			s.refresh(t)
		}
	case "cut off":
		_, err = d.NetworkDisconnect(ctx, s.own, client.NetworkDisconnectOptions{Container: id, Force: true})
	case "join":
		name, _, _ := strings.Cut(s.host, ":")
		_, err = d.NetworkConnect(ctx, s.own, client.NetworkConnectOptions{
			Container: id, EndpointConfig: &network.EndpointSettings{Aliases: []string{name}},
		})
	}
	if err != nil {
		t.Errorf("%s of a server: %v", what, err)
	}
}

// dialer sends clients that ask for a member by its name to the address of that
// member. So the names work everywhere, and nothing leaves the machine.
type dialer []*server

func (d dialer) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	i := slices.IndexFunc(d, func(s *server) bool { return s.host == address })
	if i < 0 {
		return nil, fmt.Errorf("%s is no member", address)
	}
	return new(net.Dialer).DialContext(ctx, network, d[i].address())
}
