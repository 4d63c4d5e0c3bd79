package session

import (
	"fmt"
	"io"
	"log/slog"
	"reflect"
)

// The types that hold secrets format themselves, with any verb, so that they can
// be logged. Without this, fmt would print their fields.

// Format writes the session's type and id, never its token or Data.
func (s *Session[T]) Format(f fmt.State, verb rune) {
	if s == nil || s.at == nil {
		fmt.Fprintf(f, "session.Session[%v](none)", reflect.TypeFor[T]())
		return
	}
	fmt.Fprintf(f, "session.Session[%v](%s)", reflect.TypeFor[T](), s.ID())
}

// LogValue returns the session's id and whether it is new.
func (s *Session[T]) LogValue() slog.Value {
	if s == nil || s.at == nil {
		return slog.StringValue("none")
	}
	return slog.GroupValue(slog.String("id", s.ID()), slog.Bool("new", s.IsNew()))
}

// Format writes the session's type and nothing else.
func (x *Exchange[T]) Format(f fmt.State, verb rune) {
	fmt.Fprintf(f, "session.Exchange[%v]", reflect.TypeFor[T]())
}

// Format writes what the response does, and not the token.
func (o Outcome) Format(f fmt.State, verb rune) {
	fmt.Fprintf(f, "session.Outcome{Action:%d Read:%v}", o.Action, o.Read)
}

// Format writes the type and nothing else, because the options have tokens.
func (r BeginOptions[T]) Format(f fmt.State, verb rune) {
	fmt.Fprintf(f, "session.BeginOptions[%v]", reflect.TypeFor[T]())
}

// Format writes the type and the cookie's name.
func (m *Manager[T]) Format(f fmt.State, verb rune) {
	if m == nil {
		io.WriteString(f, "<nil>")
		return
	}
	fmt.Fprintf(f, "session.Manager[%v](%s)", reflect.TypeFor[T](), m.cookie.Name)
}

// LogValue returns the cookie's name.
func (m *Manager[T]) LogValue() slog.Value {
	if m == nil {
		return slog.StringValue("none")
	}
	return slog.GroupValue(slog.String("cookie", m.cookie.Name))
}

// Format implements [fmt.Formatter] for every verb. It writes all settings but
// the functions, and the number of keys instead of the keys.
func (cfg Config[T]) Format(f fmt.State, verb rune) {
	fmt.Fprintf(f, "session.Config[%v]{Store:%T Cookie:%+v MaxAge:%v Rolling:%v TouchAfter:%v AbsoluteTimeout:%v RenewAfter:%v RenewGrace:%v AllowEmpty:%v MaxBytes:%d ReconnectTimeout:%v Codec:%T SchemaVersion:%d SigningKeys:%d EncryptionKeys:%d}",
		reflect.TypeFor[T](), cfg.Store, cfg.Cookie, cfg.MaxAge, cfg.Rolling, cfg.TouchAfter, cfg.AbsoluteTimeout, cfg.RenewAfter, cfg.RenewGrace,
		cfg.AllowEmpty, cfg.MaxBytes, cfg.ReconnectTimeout, cfg.Codec, cfg.SchemaVersion, len(cfg.SigningKeys), len(cfg.EncryptionKeys))
}

// LogValue returns what Format writes.
func (cfg Config[T]) LogValue() slog.Value { return slog.StringValue(fmt.Sprint(cfg)) }
