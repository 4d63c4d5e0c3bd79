package echoadapter_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/labstack/echo/v4"

	"github.com/echosession/echosession/echoadapter"
)

// A field that says something of the response, which the token would replace or
// an error page takes out, is none to carry it, in whatever case it is written.
func TestHeaderThatSaysSomethingElse(t *testing.T) {
	t.Parallel()
	for _, name := range []string{
		"Location", "Content-Type", "Content-Encoding", "Content-Disposition", "Content-Location", "Content-Range",
		"Etag", "Expires", "Last-Modified", "Refresh", "Upgrade", "Te",
	} {
		for _, name := range []string{name, strings.ToLower(name), strings.ToUpper(name)} {
			mw, err := (echoadapter.Config[visits]{Header: name}).ToMiddleware()
			if fields := fieldsOf(err); len(fields) != 1 || fields[0] != "echoadapter.Config.Header" {
				t.Errorf("ToMiddleware with the Header %q returned %v, expected a problem of Header", name, err)
			}
			if mw != nil {
				t.Errorf("ToMiddleware with the Header %q returned a middleware, expected none beside the error", name)
			}
		}
	}
}

// A redirect keeps its target beside the token.
func TestHeaderTokenOfARedirect(t *testing.T) {
	t.Parallel()
	const field = "X-Session"
	s := serveResponses(t, echoadapter.Config[visits]{Header: field}, nil, nil)
	s.on("/", func(c echo.Context) error { return c.Redirect(http.StatusFound, "/elsewhere") })
	got := s.get("/", "")
	got.expect(t, http.StatusFound, "")
	got.expectHeader(t, "Location", "/elsewhere")
	lines := got.header.Values(field)
	if len(lines) != 1 {
		t.Fatalf("%s is %q, expected one token", field, lines)
	}
	s.expectRead(lines[0], 1)
}
