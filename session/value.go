package session

import (
	"bytes"
	"fmt"
)

func (m *Manager[T]) encode(v *T) ([]byte, error) {
	data, err := m.cfg.Codec.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("session: encode: %w", err)
	}
	return data, nil
}

// decode fills v, a zero value, from r. What it leaves in v after an error is
// not to be used.
func (m *Manager[T]) decode(r Record, v *T) error {
	if r.Format != m.format {
		return fmt.Errorf("session: decode %s: %w: its format is %q, the codec's %q", r.ID, ErrCorrupt, r.Format, m.format)
	}
	if err := m.cfg.Codec.Unmarshal(r.Data, v); err != nil {
		return fmt.Errorf("session: decode %s: %w: %w", r.ID, ErrCorrupt, err)
	}
	return nil
}

// bound refuses Data that is too large.
func (m *Manager[T]) bound(data []byte) error {
	if len(data) > m.cfg.MaxBytes {
		return fmt.Errorf("session: %w: %d bytes, Config.MaxBytes allows %d", ErrTooLarge, len(data), m.cfg.MaxBytes)
	}
	return nil
}

// changed reports whether data is another value than r holds. Where the same
// shape of T and the same codec wrote r, other bytes are another value;
// otherwise they may be the same one, written differently.
func (m *Manager[T]) changed(r Record, shape uint64, data []byte) (bool, error) {
	if bytes.Equal(r.Data, data) {
		return false, nil
	}
	if shape == m.shape && r.Format == m.format {
		return true, nil
	}
	again, err := m.recode(r)
	return !bytes.Equal(again, data), err
}

// recode returns the value of r as this T and this codec write it.
func (m *Manager[T]) recode(r Record) ([]byte, error) {
	var v T
	if err := m.decode(r, &v); err != nil {
		return nil, err
	}
	return m.encode(&v)
}
