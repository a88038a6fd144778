package fsm

// partialSort puts the elements that belong at the places from first to last of s in order there, and does
// what it takes with the others. Among equal elements the order is what Redis makes it, whose quicksort this
// is: Bentley and McIlroy's, "Engineering a Sort Function" (1993), which leaves parts alone that reach
// neither place.
func partialSort[E any](s []E, compare func(a, b *E) int, first, last int) {
	for {
		if len(s) < 7 {
			insertionSort(s, compare)
			return
		}
		less, greater := partition(s, compare)
		if less > 1 && wants(0, less, first, last) {
			partialSort(s[:less], compare, first, last)
		}
		from := len(s) - greater
		if greater < 2 || !wants(from, len(s), first, last) {
			return
		}
		s, first, last = s[from:], first-from, last-from
	}
}

// wants reports whether a part reaches any of the places from first to last.
func wants(from, to, first, last int) bool { return last >= from && first < to }

func insertionSort[E any](s []E, compare func(a, b *E) int) {
	for i := range s {
		for j := i; j > 0 && compare(&s[j-1], &s[j]) > 0; j-- {
			s[j-1], s[j] = s[j], s[j-1]
		}
	}
}

// partition moves what is less than the pivot to the front and what is greater to the end, and returns how
// many they are.
func partition[E any](s []E, compare func(a, b *E) int) (less, greater int) {
	pivot(s, compare)
	end := len(s)
	equalLow, low, high, equalHigh := 1, 1, end-1, end-1
	swap := func(i, j int) { s[i], s[j] = s[j], s[i] }
	for {
		for ; low <= high; low++ {
			c := compare(&s[low], &s[0])
			if c > 0 {
				break
			}
			if c == 0 {
				swap(equalLow, low)
				equalLow++
			}
		}
		for ; low <= high; high-- {
			c := compare(&s[high], &s[0])
			if c < 0 {
				break
			}
			if c == 0 {
				swap(high, equalHigh)
				equalHigh--
			}
		}
		if low > high {
			break
		}
		swap(low, high)
		low++
		high--
	}
	less, greater = low-equalLow, equalHigh-high
	swapParts(s, 0, low, min(equalLow, less))
	swapParts(s, low, end, min(greater, end-equalHigh-1))
	return less, greater
}

// swapParts swaps n elements from one place on with the n in front of another.
func swapParts[E any](s []E, from, to, n int) {
	for i := range n {
		s[from+i], s[to-n+i] = s[to-n+i], s[from+i]
	}
}

// pivot puts a middling element of s at its front.
func pivot[E any](s []E, compare func(a, b *E) int) {
	n := len(s)
	median := func(a, b, c int) int {
		if compare(&s[a], &s[b]) < 0 {
			switch {
			case compare(&s[b], &s[c]) < 0:
				return b
			case compare(&s[a], &s[c]) < 0:
				return c
			}
			return a
		}
		switch {
		case compare(&s[b], &s[c]) > 0:
			return b
		case compare(&s[a], &s[c]) < 0:
			return a
		}
		return c
	}
	low, middle, high := 0, n/2, n-1
	if n > 40 {
		d := n / 8
		low = median(low, low+d, low+2*d)
		middle = median(middle-d, middle, middle+d)
		high = median(high-2*d, high-d, high)
	}
	if n > 7 {
		middle = median(low, middle, high)
	}
	s[0], s[middle] = s[middle], s[0]
}
