package session

import (
	"encoding/binary"
	"fmt"
)

// formatSealed is the Format of a record whose Data is sealed.
const formatSealed = "sealed"

// seal returns r as it is stored with the version that it will have: with keys
// its Data is sealed.
func (e *engine) seal(r Record, version int64) Record {
	if e.sealer == nil {
		return r
	}
	r.Data = e.sealer.Seal(r.Data, associated(r, version, r.Format))
	r.Format = formatSealed
	return r
}

// unseal returns r as it was before it was sealed, and whether it would be
// sealed in the same way again. A record that never was sealed is returned as it
// is.
func (e *engine) unseal(r Record) (opened Record, current bool, err error) {
	switch {
	case r.Format != formatSealed:
		return r, e.sealer == nil, nil
	case e.sealer == nil:
		return r, false, fmt.Errorf("session: open %s: %w: it is sealed, and Config.EncryptionKeys is empty", r.ID, ErrCorrupt)
	}
	plain, newest, ok := e.sealer.Open(r.Data, associated(r, r.Version, e.format))
	if !ok {
		return r, false, fmt.Errorf("session: open %s: %w: no key opens it, or it was altered", r.ID, ErrCorrupt)
	}
	r.Data, r.Format = plain, e.format
	return r, newest, nil
}

// associated is what the seal binds besides Data: all that identifies the
// record, so that no part of it can be exchanged with a part of another record,
// or set back to an earlier value. SeenAt and ExpiresAt are not among it, since a
// touch moves them alone.
func associated(r Record, version int64, format string) []byte {
	b := make([]byte, 0, 256)
	for _, part := range []string{r.ID, r.Name, r.User, format} {
		b = binary.BigEndian.AppendUint32(b, uint32(len(part)))
		b = append(b, part...)
	}
	b = binary.BigEndian.AppendUint64(b, uint64(version))
	b = binary.BigEndian.AppendUint64(b, uint64(r.CreatedAt.UnixMilli()))
	return append(b, r.Meta...)
}
