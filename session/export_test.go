package session

// What tests outside the package need of its inside.
var (
	CheckShape = checkShape
	ShapeHash  = shapeHash
	IsExact    = isExact
)

func MergeFields[T any](base, mine, theirs *T) (T, []string) {
	return mergeFields(base, mine, theirs)
}
