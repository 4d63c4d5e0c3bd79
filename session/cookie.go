package session

import (
	"cmp"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"github.com/echosession/echosession/internal/token"
)

// Cookie says how the client keeps its token.
type Cookie struct {
	// Name of the cookie; also separates sessions of different kinds in one
	// store. Default "__Host-echo.sid" with SecureAlways, Path "/" and no
	// Domain, else "echo.sid". The names "__Host-..." and "__Secure-..." make
	// browsers insist on those attributes (RFC 6265bis, section 4.1.3).
	Name string

	// Path and Domain tell the browser where to send the cookie. The server does
	// not look at them: a group or a Skipper limits a middleware. Default "/", and
	// no Domain, which is this host alone.
	Path   string
	Domain string

	// Secure says when the cookie is only for https. Default [SecureAuto].
	Secure SecureMode

	// SameSite is Lax, Strict or None, which requires SecureAlways. Default Lax: a
	// request from another site has no session unless the user followed a link.
	SameSite http.SameSite

	// Partitioned gives every top-level site a cookie of its own (CHIPS). It
	// requires SecureAlways.
	Partitioned bool

	// BrowserSession sends no Max-Age, so that the cookie ends with the browser,
	// unless SetMaxAge gave this session an age. It does not change when the
	// record ends.
	BrowserSession bool

	// ScriptReadable lets scripts of the page read the token, also a script that
	// an attacker injected. Without it the cookie is HttpOnly.
	ScriptReadable bool
}

// SecureMode says when a cookie is Secure.
type SecureMode int

const (
	SecureAuto     SecureMode = iota // unless the request is plain http to a loopback host, as on a developer's machine
	SecureByScheme                   // when the request came by https, as far as the server knows
	SecureAlways                     // at every request
	SecureNever                      // never, for a network without https
)

const (
	defaultName     = "echo.sid"
	defaultHostName = "__Host-" + defaultName

	maxPairLen      = 4096 // of name and value, RFC 6265bis section 5.6
	maxAttributeLen = 1024 // of one attribute, likewise
)

func (c Cookie) withDefaults() Cookie {
	c.Path = cmp.Or(c.Path, "/")
	if c.Name == "" && c.Secure == SecureAlways && c.Path == "/" && c.Domain == "" {
		c.Name = defaultHostName
	}
	c.Name = cmp.Or(c.Name, defaultName)
	c.SameSite = cmp.Or(c.SameSite, http.SameSiteLaxMode)
	return c
}

// check refuses what browsers would refuse or silently change.
func (c Cookie) check(refuse func(field string, value any, reason string)) {
	always := c.Secure == SecureAlways
	switch {
	case (&http.Cookie{Name: c.Name}).Valid() != nil:
		refuse("Cookie.Name", c.Name, "must be a token: letters, digits and !#$%&'*+-.^_`|~")
	case len(c.Name)+token.MaxLen > maxPairLen:
		refuse("Cookie.Name", c.Name, "is too long: browsers keep 4096 bytes of name and value")
	case hasPrefixFold(c.Name, "__Host-") && (!always || c.Path != "/" || c.Domain != ""):
		refuse("Cookie.Name", c.Name, "browsers take it only with SecureAlways, Path / and no Domain: set these or choose another name")
	case hasPrefixFold(c.Name, "__Secure-") && !always:
		refuse("Cookie.Name", c.Name, "browsers take it only with SecureAlways: set it or choose another name")
	case hasPrefixFold(c.Name, "__Http-") && (!always || c.ScriptReadable), hasPrefixFold(c.Name, "__Host-Http-") && c.ScriptReadable:
		refuse("Cookie.Name", c.Name, "browsers take it only with SecureAlways and without ScriptReadable: set these or choose another name")
	}
	if c.Path[0] != '/' || len(c.Path) > maxAttributeLen || (&http.Cookie{Name: "n", Path: c.Path}).Valid() != nil {
		refuse("Cookie.Path", c.Path, "must begin with /, have no control character or semicolon and at most 1024 bytes")
	}
	if c.Domain != "" && (len(c.Domain) > maxAttributeLen || (&http.Cookie{Name: "n", Domain: c.Domain}).Valid() != nil) {
		refuse("Cookie.Domain", c.Domain, "must be a domain name of at most 1024 bytes")
	}
	if c.Secure < SecureAuto || c.Secure > SecureNever {
		refuse("Cookie.Secure", int(c.Secure), "must be SecureAuto, SecureByScheme, SecureAlways or SecureNever")
	}
	switch c.SameSite {
	case http.SameSiteLaxMode, http.SameSiteStrictMode:
	case http.SameSiteNoneMode:
		if !always {
			refuse("Cookie.SameSite", "None", "browsers take it only with SecureAlways: set it or choose Lax or Strict")
		}
	default:
		refuse("Cookie.SameSite", int(c.SameSite), "must be Lax, Strict or None of net/http: browsers differ in what they do without")
	}
	if c.Partitioned && !always {
		refuse("Cookie.Partitioned", true, "browsers take it only with SecureAlways: set it or leave Partitioned out")
	}
}

func hasPrefixFold(s, prefix string) bool {
	return len(s) >= len(prefix) && strings.EqualFold(s[:len(prefix)], prefix)
}

// secure decides whether the cookie of one request is Secure.
func (c *Cookie) secure(scheme, host string) bool {
	switch c.Secure {
	case SecureAlways:
		return true
	case SecureNever:
		return false
	case SecureByScheme:
		return scheme == "https"
	}
	return scheme == "https" || !isLoopback(host)
}

// isLoopback reports whether requests to host, with or without a port, never
// leave the machine. Browsers trust such a host as they trust https.
func isLoopback(host string) bool {
	if name, port, ok := strings.Cut(host, "]"); ok && strings.HasPrefix(name, "[") {
		host = name[1:]
		if port != "" && port[0] != ':' {
			return false
		}
	} else if i := strings.LastIndexByte(host, ':'); i >= 0 && strings.IndexByte(host, ':') == i {
		host = host[:i]
	}
	host = strings.TrimSuffix(host, ".")
	if len(host) >= len("localhost") && strings.EqualFold(host[len(host)-len("localhost"):], "localhost") {
		return len(host) == len("localhost") || host[len(host)-len("localhost")-1] == '.'
	}
	addr, err := netip.ParseAddr(host)
	return err == nil && addr.IsLoopback()
}

// set returns the cookie that gives the client its token. With an age of 0 or
// less it ends with the browser.
func (c *Cookie) set(token string, age time.Duration, secure bool) http.Cookie {
	k := c.bare(secure)
	k.Value = token
	if age > 0 {
		// Rounded up: the cookie must not end before the session.
		k.MaxAge = int((age + time.Second - 1) / time.Second)
	}
	return k
}

// clear returns the cookie that takes the token away. It has all attributes,
// because browsers replace a cookie only by one of the same attributes.
func (c *Cookie) clear(secure bool) http.Cookie {
	k := c.bare(secure)
	k.MaxAge = -1
	return k
}

func (c *Cookie) bare(secure bool) http.Cookie {
	return http.Cookie{
		Name:        c.Name,
		Path:        c.Path,
		Domain:      c.Domain,
		Secure:      secure,
		SameSite:    c.SameSite,
		Partitioned: c.Partitioned,
		HttpOnly:    !c.ScriptReadable,
	}
}
