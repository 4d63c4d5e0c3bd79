package session

// RecodeMeta decodes and encodes meta data.
func RecodeMeta(b []byte) ([]byte, error) {
	var m meta
	if err := m.decode(b); err != nil {
		return nil, err
	}
	return m.encode(), nil
}
