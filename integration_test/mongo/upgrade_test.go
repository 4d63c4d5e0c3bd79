package mongo_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net/http"
	"net/http/httptest"
	"reflect"
	"sync"
	"testing"

	"github.com/labstack/echo/v4"
	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/echosession/echosession/echoadapter"
	"github.com/echosession/echosession/mongostore"
	"github.com/echosession/echosession/session"
)

// The Data of two versions of an application. The newer version has another name
// for Note, and more fields.
type (
	olderData struct {
		Name string
		Note string
		Seen map[string]int
	}
	newerData struct {
		Name   string
		Memo   string
		Seen   map[string]int
		Theme  string
		Labels map[string]int64
	}
	// release is the T of a version. R keeps the fields that the version does not
	// know.
	release[Data, R any] struct {
		Known Data `json:",embed" bson:",inline"`
		Rest  R    `json:",embed" bson:",inline"`
	}
	nowhere struct{}
)

// released is a running version. GET / reads the session, and ?key= makes the
// change for the key.
type released[Data any] struct {
	*echo.Echo
	mu  sync.Mutex
	err error // the last error of a handler
}

func serve[Data, R any](t *testing.T, cfg session.Config[release[Data, R]], change func(d *Data, key string)) *released[Data] {
	t.Helper()
	v := &released[Data]{Echo: echo.New()}
	v.HTTPErrorHandler = func(err error, c echo.Context) {
		v.mu.Lock()
		defer v.mu.Unlock()
		v.err = err
		v.DefaultHTTPErrorHandler(err, c)
	}
	mw, err := echoadapter.Config[release[Data, R]]{Session: cfg}.ToMiddleware()
	must(t, "session.Config", err)
	v.GET("/", func(c echo.Context) error {
		s, err := session.Get[release[Data, R]](c)
		if err != nil {
			return err
		}
		if key := c.QueryParam("key"); key != "" {
			change(&s.Data.Known, key)
		}
		return c.JSON(http.StatusOK, s.Data.Known)
	}, mw)
	return v
}

// get returns the status, the Data that the version answered, and the cookie.
func (v *released[Data]) get(t *testing.T, cookie *http.Cookie, key string) (status int, shown Data, next *http.Cookie) {
	t.Helper()
	req := httptest.NewRequest(http.MethodGet, "https://example.com/?key="+key, nil)
	if cookie != nil {
		req.AddCookie(cookie)
	}
	rec := httptest.NewRecorder()
	v.ServeHTTP(rec, req)
	next = cookie
	for _, c := range rec.Result().Cookies() {
		next = c
	}
	if rec.Code == http.StatusOK {
		if err := json.Unmarshal(rec.Body.Bytes(), &shown); err != nil {
			t.Errorf("answer %q: %v", rec.Body, err)
		}
	}
	return rec.Code, shown, next
}

func (v *released[Data]) lastError() error {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.err
}

// upgrade is one session that both versions serve.
type upgrade struct {
	t      *testing.T
	db     database
	older  *released[olderData]
	newer  *released[newerData]
	cookie *http.Cookie
	all    newerData // what the session would have if there were only one version
	note   string
}

const big = math.MaxInt64 // no float64 can hold it

// newUpgrade starts both versions, and a session by the newer one.
func newUpgrade[R any](t *testing.T, codec session.Codec, schemaOfNewer int) *upgrade {
	t.Helper()
	u := &upgrade{t: t, db: newDatabase(t)}
	store := u.db.open(t, mongostore.Options{})
	u.older = serve(t, session.Config[release[olderData, R]]{Store: store, Codec: codec}, func(d *olderData, key string) {
		d.Note = "noted"
		count(&d.Seen, key, 1)
	})
	u.newer = serve(t, session.Config[release[newerData, R]]{Store: store, Codec: codec, SchemaVersion: schemaOfNewer}, func(d *newerData, key string) {
		d.Name, d.Memo, d.Theme = "ada", "memo", "dark"
		count(&d.Seen, key, 1)
		count(&d.Labels, key, big)
	})
	u.byNewer("first")
	u.readsWithoutAWrite("by the newer version")
	return u
}

func count[N int | int64](m *map[string]N, key string, n N) {
	if *m == nil {
		*m = map[string]N{}
	}
	(*m)[key] += n
}

func (u *upgrade) byNewer(key string) {
	u.t.Helper()
	status, _, cookie := u.newer.get(u.t, u.cookie, key)
	if status != http.StatusOK {
		u.t.Fatalf("a change of the newer version: got status %d (%v), want 200", status, u.newer.lastError())
	}
	u.cookie = cookie
	u.changed(key, true)
}

func (u *upgrade) byOlder(key string) {
	u.t.Helper()
	if status, _, _ := u.older.get(u.t, u.cookie, key); status != http.StatusOK {
		u.t.Fatalf("a change of the older version: got status %d (%v), want 200", status, u.older.lastError())
	}
	u.changed(key, false)
}

// changed notes a change that was acknowledged.
func (u *upgrade) changed(key string, newer bool) {
	count(&u.all.Seen, key, 1)
	if !newer {
		u.note = "noted"
		return
	}
	u.all.Name, u.all.Memo, u.all.Theme = "ada", "memo", "dark"
	count(&u.all.Labels, key, big)
}

// shows fails the test unless each version answers with this Data.
func (u *upgrade) shows(when string, newer newerData, note string) {
	u.t.Helper()
	if status, got, _ := u.newer.get(u.t, u.cookie, ""); status != http.StatusOK || !reflect.DeepEqual(got, newer) {
		u.t.Errorf("%s, the newer version: got status %d and %+v, want 200 and %+v", when, status, got, newer)
	}
	older := olderData{newer.Name, note, newer.Seen}
	if status, got, _ := u.older.get(u.t, u.cookie, ""); status != http.StatusOK || !reflect.DeepEqual(got, older) {
		u.t.Errorf("%s, the older version: got status %d and %+v, want 200 and %+v", when, status, got, older)
	}
}

func (u *upgrade) document() bson.Raw {
	u.t.Helper()
	raw, err := u.db.sessions().FindOne(u.t.Context(), bson.D{}).Raw()
	must(u.t, "find", err)
	return raw
}

func (u *upgrade) readsWithoutAWrite(stored string) {
	u.t.Helper()
	before := u.document()
	u.newer.get(u.t, u.cookie, "")
	u.older.get(u.t, u.cookie, "")
	if after := u.document(); !reflect.DeepEqual(after, before) {
		u.t.Errorf("reading what was stored %s: got %v, want it untouched, %v", stored, after, before)
	}
}

// atOnce lets both versions change the session at the same time, and returns the
// statuses of the older version's requests. Those of the newer one must succeed.
func (u *upgrade) atOnce() (older []int) {
	u.t.Helper()
	const each = 8
	older, newer := make([]int, each), make([]int, each)
	var wg sync.WaitGroup
	for i := range each {
		wg.Go(func() { older[i], _, _ = u.older.get(u.t, u.cookie, fmt.Sprint("old", i)) })
		wg.Go(func() { newer[i], _, _ = u.newer.get(u.t, u.cookie, fmt.Sprint("new", i)) })
	}
	wg.Wait()
	for i := range each {
		if newer[i] != http.StatusOK {
			u.t.Errorf("the newer version, at once: got status %d (%v), want 200", newer[i], u.newer.lastError())
		}
		u.changed(fmt.Sprint("new", i), true)
		if older[i] == http.StatusOK {
			u.changed(fmt.Sprint("old", i), false)
		}
	}
	return older
}

var codecs = map[string]session.Codec{"json": session.JSON(), "bson": mongostore.BSON()}

// With a plain T, a save loses the fields that its version does not know, and
// nothing else.
func TestUpgradeOfAPlainT(t *testing.T) {
	for name, codec := range codecs {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			u := newUpgrade[nowhere](t, codec, 0)
			u.byOlder("second")
			u.readsWithoutAWrite("by the older version")
			u.shows("saved by the older version", newerData{Name: "ada", Seen: u.all.Seen}, "noted")
			u.byNewer("third")
			u.shows("saved by the newer version", newerData{"ada", "memo", u.all.Seen, "dark", map[string]int64{"third": big}}, "")
			for _, status := range u.atOnce() {
				if status != http.StatusOK {
					t.Errorf("the older version, at once: got status %d (%v), want 200", status, u.older.lastError())
				}
			}
			u.byOlder("last")
			u.shows("saved by both at once", newerData{Name: "ada", Seen: u.all.Seen}, "noted")
			figures.add("rolling upgrade, plain T", "%s: a save loses the fields that its T does not know, and nothing else; failed: %t", name, t.Failed())
		})
	}
}

// With a catch-all field, nothing is lost.
func TestUpgradeWithACatchAllField(t *testing.T) {
	t.Run("json=map[string]json.RawMessage", losesNothing[map[string]json.RawMessage](session.JSON()))
	t.Run("bson=map[string]bson.RawValue", losesNothing[map[string]bson.RawValue](mongostore.BSON()))
	t.Run("bson=map[string]any", losesNothing[map[string]any](mongostore.BSON()))
}

func losesNothing[R any](codec session.Codec) func(*testing.T) {
	return func(t *testing.T) {
		t.Parallel()
		u := newUpgrade[R](t, codec, 0)
		u.byOlder("second")
		u.readsWithoutAWrite("by the older version")
		u.shows("saved by the older version", u.all, u.note)
		u.byNewer("third")
		u.shows("saved by the newer version", u.all, u.note)
		for _, status := range u.atOnce() {
			if status != http.StatusOK {
				t.Errorf("the older version, at once: got status %d (%v), want 200", status, u.older.lastError())
			}
		}
		u.shows("saved by both at once", u.all, u.note)
		figures.add("rolling upgrade, catch-all field", "%s, %T: nothing lost; failed: %t", codec.Name(), *new(R), t.Failed())
	}
}

// If the newer version has a higher SchemaVersion, the older one only reads what
// the newer one stored, and so nothing is lost either.
func TestUpgradeOfTheSchemaVersion(t *testing.T) {
	for name, codec := range codecs {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			u := newUpgrade[nowhere](t, codec, 1)
			before := u.document()
			if status, _, _ := u.older.get(t, u.cookie, "second"); status != http.StatusInternalServerError || !errors.Is(u.older.lastError(), session.ErrSchema) {
				t.Errorf("a change of the older version: got status %d (%v), want 500 and ErrSchema", status, u.older.lastError())
			}
			if after := u.document(); !reflect.DeepEqual(after, before) {
				t.Errorf("a change of the older version: got %v, want it untouched, %v", after, before)
			}
			for _, status := range u.atOnce() {
				if status != http.StatusInternalServerError {
					t.Errorf("the older version, at once: got status %d, want 500", status)
				}
			}
			u.shows("saved by both at once", u.all, "")
			figures.add("rolling upgrade, SchemaVersion", "%s: read-only for the older version, nothing lost; failed: %t", name, t.Failed())
		})
	}
}
