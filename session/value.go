package session

import (
	"errors"
	"fmt"

	"github.com/go-json-experiment/json"

	"github.com/echosession/echosession/internal/merge"
)

// encode encodes a value of Data.
func (m *Manager[T]) encode(v *T) ([]byte, error) {
	data, err := m.cfg.Codec.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("session: encode: %w", redacted{"encode", err})
	}
	return data, nil
}

// first returns the encoding of a value that New just made.
func (m *Manager[T]) first(v *T) ([]byte, error) {
	if m.blank != nil {
		return m.blank, nil
	}
	return m.encode(v)
}

// decode fills v, a zero value, from the encoded Data of the session id. After
// an error v must not be used.
func (m *Manager[T]) decode(id string, e encoded, v *T) (err error) {
	if e.schema < m.schema && m.cfg.Migrate != nil {
		if *v, err = m.cfg.Migrate(int(e.schema), e.data); err != nil {
			if _, fromCodec := errors.AsType[*json.SemanticError](err); fromCodec {
				err = redacted{"decode", err}
			}
			return fmt.Errorf("session: Config.Migrate %s from %d: %w: %w", id, e.schema, ErrCorrupt, err)
		}
		return nil
	}
	switch err = m.cfg.Codec.Unmarshal(e.data, v); {
	case err == nil:
		return nil
	case e.schema > m.schema:
		return fmt.Errorf("session: decode %s: %w: %w", id, m.tooNew(e.schema), redacted{"decode", err})
	}
	return fmt.Errorf("session: decode %s: %w: %w", id, ErrCorrupt, redacted{"decode", err})
}

// decodeRow fills v, a zero value, from the stored Data of r.
func (m *Manager[T]) decodeRow(r *row, v *T) error {
	e, err := m.open(r)
	if err != nil {
		return err
	}
	return m.decode(r.id, e, v)
}

// user returns whose session it is by its Data.
func (m *Manager[T]) user(v *T) string {
	if m.cfg.User == nil {
		return ""
	}
	return m.cfg.User(v)
}

// merge reconciles two changes of the session id: mine and theirs, both made
// from base. conflicts names what both changed differently.
func (m *Manager[T]) merge(id string, base, mine, theirs encoded) (merged T, conflicts []string, err error) {
	var from, ours, others T
	if err := errors.Join(m.decode(id, base, &from), m.decode(id, mine, &ours), m.decode(id, theirs, &others)); err != nil {
		return merged, nil, err
	}
	if m.cfg.Merge == nil {
		merged, conflicts = merge.Fields(&from, &ours, &others, m.atomic)
		return merged, conflicts, nil
	}
	if merged, err = m.cfg.Merge(&from, &ours, &others); err != nil {
		return merged, nil, fmt.Errorf("session: Config.Merge: %w", err)
	}
	return merged, nil, nil
}

// redacted hides the text of a codec's error, which may quote Data: the key of a
// map, for example. Unwrap returns the original.
type redacted struct {
	does  string
	cause error
}

func (e redacted) Error() string {
	at := ""
	if s, ok := errors.AsType[*json.SemanticError](e.cause); ok && s.GoType != nil {
		at = " at a " + s.GoType.String()
	}
	return fmt.Sprintf("its Data does not %s (%T%s)", e.does, e.cause, at)
}

func (e redacted) Unwrap() error { return e.cause }
