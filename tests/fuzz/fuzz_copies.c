/* This fuzz target reads the file `copies`, which says what nodes have, as a disk gives it back.
 * The book that is made of it is in order and names only known nodes; it can be gone on with, and
 * what is noted behind it is there at the next opening, as is what was there before. */
#include "base/file.h"
#include "book.h"
#include "fuzz_dir.h"

#define PLACES 2
#define NAME "copies"

static void must(bool is_so)
{
	if (!is_so)
		abort();
}

static void open_book(book *b, uint8_t numbers[PLACES])
{
	static const char *const names[PLACES] = {"unix:/one", "unix:/two"};

	must(book_open(b, fuzz_dir_fd(), false, names, PLACES, numbers) == EMR_OK);
	must(b->node_count <= EMR_PUBLISHER_NODES_MAX && numbers[0] != numbers[1]);
	for (size_t i = 0; i < PLACES; i++)
		must(numbers[i] < b->node_count && strcmp(b->nodes[numbers[i]], names[i]) == 0);
}

static void check(const book *b)
{
	const unsigned known = (1u << b->node_count) - 1;

	must((b->unsynced & ~known) == 0);
	for (size_t i = 0; i < book_count(b); i++) {
		const book_entry *entry = book_at(b, i);

		must(i == 0 || book_compare(&book_at(b, i - 1)->root, &entry->root) < 0);
		must((entry->held & entry->sent) == 0);
		must(((entry->held | entry->sent) & ~known) == 0);
	}
}

/* All that BEFORE says AFTER says, too. */
static void same(const book *before, const book *after)
{
	must(!after->is_doubtful && after->unsynced == before->unsynced);
	for (size_t i = 0; i < book_count(before); i++) {
		const book_entry *was = book_at(before, i), *is = book_find(after, &was->root);

		must(is != NULL ? is->held == was->held && is->sent == was->sent
				: (was->held | was->sent) == 0);
	}
}

/* As nodes answer: the file is begun by now, whatever it was. */
static void go_on(book *b, size_t node)
{
	const emr_cid root = emr_cid_of_block(EMR_CODEC_RAW, emr_bytes_of("noted", 5));
	EMR_AUTO_BUF lines = {0};

	must(book_want(b, &root, 1) == EMR_OK && b->fd >= 0 && !b->is_doubtful);
	must(book_set(b, book_find(b, &root), node, BOOK_HELD) == EMR_OK);
	must(book_set_unsynced(b, node, true) == EMR_OK);
	lines = book_take_lines(b);
	must(book_write(b, &lines) == EMR_OK);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t numbers[PLACES], again[PLACES];
	book before, after;
	int fd;

	must(emr_base_init() == EMR_OK);
	fd = openat(fuzz_dir_fd(), NAME, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	must(fd >= 0 && emr_pwrite_all(fd, data, size, 0) == EMR_OK && close(fd) == 0);
	open_book(&before, numbers);
	check(&before);
	go_on(&before, numbers[0]);
	open_book(&after, again);
	check(&after);
	must(memcmp(numbers, again, sizeof numbers) == 0);
	same(&before, &after);
	book_close(&before);
	book_close(&after);
	return 0;
}
