package session

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/go-json-experiment/json"
)

func (m *Manager[T]) encode(v *T) ([]byte, error) {
	data, err := m.cfg.Codec.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("session: encode: %w", hidden{"encode", err})
	}
	return data, nil
}

// decode opens r, which a write with the meta data by stored, and fills v, a
// zero value, from it. What it leaves in v after an error is not to be used.
func (m *Manager[T]) decode(r *Record, by meta, v *T) error {
	_, err := m.open(r, by, v)
	return err
}

// open is decode, and tells whether r is sealed as it would be now.
func (m *Manager[T]) open(r *Record, by meta, v *T) (current bool, err error) {
	if *r, current, err = m.unseal(*r); err != nil {
		return false, err
	}
	return current, m.decodeOpened(*r, by, v)
}

func (m *Manager[T]) decodeOpened(r Record, by meta, v *T) (err error) {
	switch {
	case r.Format != m.format:
		return fmt.Errorf("session: decode %s: %w: its format is %q, the codec's %q", r.ID, ErrCorrupt, r.Format, m.format)
	case by.schema < m.schema && m.cfg.Migrate != nil:
		if *v, err = m.cfg.Migrate(by.schema, r.Data); err != nil {
			if _, codecs := errors.AsType[*json.SemanticError](err); codecs {
				err = hidden{"decode", err}
			}
			return fmt.Errorf("session: Config.Migrate %s from %d: %w: %w", r.ID, by.schema, ErrCorrupt, err)
		}
		return nil
	}
	switch err = m.cfg.Codec.Unmarshal(r.Data, v); {
	case err == nil:
		return nil
	case by.schema > m.schema:
		return fmt.Errorf("session: decode %s: %w: %w", r.ID, m.tooNew(by), hidden{"decode", err})
	}
	return fmt.Errorf("session: decode %s: %w: %w", r.ID, ErrCorrupt, hidden{"decode", err})
}

// hidden is a codec's error, which may quote Data, be it a key of a map, and so
// is not for a log. Who needs to know unwraps it.
type hidden struct {
	does  string
	cause error
}

func (e hidden) Error() string {
	at := ""
	if s, ok := errors.AsType[*json.SemanticError](e.cause); ok && s.GoType != nil {
		at = " at a " + s.GoType.String()
	}
	return fmt.Sprintf("its Data does not %s (%T%s)", e.does, e.cause, at)
}

func (e hidden) Unwrap() error { return e.cause }

// decodeOwn is decode for what this process has just encoded.
func (m *Manager[T]) decodeOwn(id string, data []byte, v *T) error {
	return m.decode(&Record{ID: id, Format: m.format, Data: data}, meta{schema: m.schema}, v)
}

// writable refuses to write over what a newer SchemaVersion stored, of which
// this T may not know all.
func (m *Manager[T]) writable(by meta) error {
	if by.schema > m.schema {
		return fmt.Errorf("session: save: %w", m.tooNew(by))
	}
	return nil
}

func (m *Manager[T]) tooNew(by meta) error {
	return fmt.Errorf("%w: SchemaVersion %d, and this is %d", ErrSchema, by.schema, m.schema)
}

// user returns whose session it is by its Data.
func (m *Manager[T]) user(v *T) string {
	if m.cfg.User == nil {
		return ""
	}
	return m.cfg.User(v)
}

// bound refuses Data that is too large.
func (m *Manager[T]) bound(data []byte) error {
	if len(data) > m.cfg.MaxBytes {
		return fmt.Errorf("session: %w: %d bytes, Config.MaxBytes allows %d", ErrTooLarge, len(data), m.cfg.MaxBytes)
	}
	return nil
}

// changed reports whether data is another value than r holds. Where the same
// exact shape of T and the same codec wrote r, other bytes are another value;
// otherwise they may be the same one, written differently.
func (m *Manager[T]) changed(r Record, by meta, data []byte) (bool, error) {
	if bytes.Equal(r.Data, data) {
		return false, nil
	}
	if m.exact && by.shape == m.shape && by.schema == m.schema && r.Format == m.format {
		return true, nil
	}
	again, err := m.recode(r, by)
	return !bytes.Equal(again, data), err
}

// recode returns the value of r as this T and this codec write it.
func (m *Manager[T]) recode(r Record, by meta) ([]byte, error) {
	var v T
	if err := m.decode(&r, by, &v); err != nil {
		return nil, err
	}
	return m.encode(&v)
}
