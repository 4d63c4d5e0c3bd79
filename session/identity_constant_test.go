package session_test

import (
	"fmt"
	"testing"

	"github.com/echosession/echosession/session"
)

// A cookie of the name in other letters is another one: browsers ignore case in
// the prefixes that they enforce, so that one without their promises could be
// made to look like it (RFC 6265bis, section 4.1.3).
func TestCookieNameIsExact(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"sid", "__Host-sid", "__Secure-sid"} {
		t.Run(fmt.Sprintf("name %v", name), func(t *testing.T) {
			r := newRig(t, func(cfg *visitConfig) { cfg.Cookie.Name, cfg.Cookie.Secure = name, session.SecureAlways })
			token := r.seed(visit{Name: "n"})
			if s := r.requestWith(nil, name+"="+token).get(); s.IsNew() {
				t.Errorf("%s: a new session, want the stored one", name)
			}
			for _, other := range []string{"SID", "Sid", "__host-sid", "__HOST-sid", "__Host-SID", "__secure-sid", "sid2", "xsid", "__Host-__Host-sid"} {
				if s := r.requestWith(nil, other+"="+token).get(); !s.IsNew() {
					t.Errorf("a cookie called %s opened a session of %s", other, name)
				}
			}
		})
	}
}
