package mongo_test

import (
	"strings"
	"testing"

	toxiproxy "github.com/Shopify/toxiproxy/v2"
	"github.com/rs/zerolog"
)

// proxy stands in front of a server and breaks its connections on demand.
type proxy struct {
	*toxiproxy.Proxy
	t *testing.T
}

// The faults of a network, in the library's language.
const (
	loseReplies  = `{"name":"fault","type":"limit_data","stream":"downstream","attributes":{"bytes":0}}` // and close
	swallow      = `{"name":"fault","type":"timeout","stream":"downstream","attributes":{"timeout":0}}`  // and keep open
	resetPeer    = `{"name":"fault","type":"reset_peer","stream":"upstream","attributes":{"timeout":0}}`
	slowReplies  = `{"name":"fault","type":"latency","stream":"downstream","attributes":{"latency":150,"jitter":100}}`
	halfRequests = `{"name":"fault","type":"limit_data","stream":"upstream","attributes":{"bytes":40}}`
)

// newProxy puts a proxy in front of s, until the test ends.
func newProxy(t *testing.T, s *server) *proxy {
	t.Helper()
	s.mu.Lock()
	upstream := s.addr
	s.mu.Unlock()
	api := toxiproxy.NewServer(toxiproxy.NewMetricsContainer(nil), zerolog.Nop())
	p := toxiproxy.NewProxy(api, s.host, "127.0.0.1:0", upstream)
	if err := p.Start(); err != nil {
		t.Fatalf("proxy: %v", err)
	}
	t.Cleanup(func() { s.route(""); p.Stop() })
	s.route(p.Listen)
	return &proxy{p, t}
}

func (p *proxy) begin(fault string) {
	p.t.Helper()
	if _, err := p.Toxics.AddToxicJson(strings.NewReader(fault)); err != nil {
		p.t.Fatalf("proxy: %v", err)
	}
}

func (p *proxy) end() {
	p.t.Helper()
	p.Toxics.ResetToxics(p.t.Context())
}
