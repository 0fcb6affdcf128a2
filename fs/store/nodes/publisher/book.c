/* This file remembers which node has which root: lines that are appended as nodes answer, read
 * again at the next opening, and written again when most of them are out of date.  A line that was
 * torn, and all behind it, is forgotten. */
#include "book.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"

#define BOOK_NAME "copies"
#define BOOK_FIRST "emrfs copies 1\n"
#define BOOK_MAX ((size_t)1 << 30)
#define LINE_MAX_BYTES 4200
#define NAME_MAX_BYTES (LINE_MAX_BYTES - 8) /* with what stands around it */
#define MARK_UNSYNCED 'u'
#define MARK_SYNCED 'y'
#define MARK_STORE 'i'
#define SPARE_LINES 1000 /* out of date, before the file is written again */

int book_compare(const void *a, const void *b)
{
	return memcmp(a, b, EMR_CID_BYTES);
}

size_t book_count(const book *b)
{
	return b->entries.len / sizeof(book_entry);
}

book_entry *book_at(const book *b, size_t index)
{
	return (book_entry *)(void *)b->entries.data + index;
}

size_t book_from(const book *b, const emr_cid *root)
{
	size_t low = 0, high = book_count(b);

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (book_compare(&book_at(b, middle)->root, root) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

book_entry *book_find(const book *b, const emr_cid *root)
{
	size_t at = book_from(b, root);

	return at < book_count(b) && emr_cid_equal(&book_at(b, at)->root, root) ? book_at(b, at)
										: NULL;
}

emr_status book_add(book *b, const emr_cid *root, book_entry **out_entry)
{
	size_t at = book_from(b, root), count = book_count(b);

	if (at == count || !emr_cid_equal(&book_at(b, at)->root, root)) {
		EMR_TRY(emr_buf_append_zeros(&b->entries, sizeof(book_entry)));
		memmove(book_at(b, at) + 1, book_at(b, at), (count - at) * sizeof(book_entry));
		*book_at(b, at) = (book_entry){.root = *root};
	}
	*out_entry = book_at(b, at);
	return EMR_OK;
}

static void want_one(book_entry *entry, const book *b)
{
	/* Roots that were lost from the list may be there. */
	if (b->is_doubtful && !entry->is_wanted) {
		entry->doubted =
			(uint16_t)(((1u << b->node_count) - 1) & ~(entry->held | entry->sent));
		entry->sent |= entry->doubted;
	}
	entry->is_wanted = true;
}

static emr_status begin_file(book *b);

emr_status book_want(book *b, const emr_cid *wanted, size_t count)
{
	EMR_AUTO_BUF after = {0};
	size_t of_list = 0, n = book_count(b);
	emr_status status = EMR_OK;

	for (size_t i = 0; status == EMR_OK && (i < n || of_list < count);) {
		int order = i == n ? 1
			    : of_list == count
				    ? -1
				    : book_compare(&book_at(b, i)->root, &wanted[of_list]);
		book_entry entry = order <= 0 ? *book_at(b, i) : (book_entry){.held = 0};

		if (order > 0)
			entry.root = wanted[of_list];
		if (order >= 0)
			want_one(&entry, b);
		else
			entry.is_wanted = false;
		i += order <= 0;
		of_list += order >= 0;
		if (entry.is_wanted || (entry.held | entry.sent) != 0)
			status = emr_buf_append(&after, &entry, sizeof entry);
	}
	if (status == EMR_OK) {
		emr_buf before = b->entries;

		b->entries = after;
		after = before;
		b->is_doubtful = false;
	}
	/* With what is to be asked in it. */
	return status == EMR_OK && b->fd < 0 && !b->is_still ? begin_file(b) : status;
}

static emr_status add_line(book *b, char mark, size_t node, const char *text)
{
	char line[LINE_MAX_BYTES];
	int len = snprintf(line, sizeof line, "%c %zu %s\n", mark, node, text);

	if (len < 0 || (size_t)len >= sizeof line)
		return EMR_LIMIT;
	return emr_buf_append(&b->lines, line, (size_t)len);
}

static void apply(book_entry *entry, size_t node, book_mark mark)
{
	uint16_t bit = (uint16_t)(1u << node);

	entry->held &= (uint16_t)~bit;
	entry->sent &= (uint16_t)~bit;
	entry->doubted &= (uint16_t)~bit;
	if (mark == BOOK_HELD) {
		entry->held |= bit;
		entry->sticks = 0;
	}
	if (mark == BOOK_SENT)
		entry->sent |= bit;
}

emr_status book_set(book *b, book_entry *entry, size_t node, book_mark mark)
{
	char text[EMR_CID_TEXT_CHARS + 1];

	apply(entry, node, mark);
	if (mark == BOOK_GONE)
		entry->peers &= ~(UINT64_C(15) << (4 * node));
	emr_cid_text(&entry->root, text);
	return b->fd >= 0 ? add_line(b, (char)mark, node, text) : EMR_OK;
}

static void apply_unsynced(book *b, size_t node, char mark)
{
	const uint16_t bit = (uint16_t)(1u << node);

	b->unsynced = (uint16_t)(mark == MARK_UNSYNCED ? b->unsynced | bit : b->unsynced & ~bit);
}

emr_status book_set_unsynced(book *b, size_t node, bool is_unsynced)
{
	const char mark = is_unsynced ? MARK_UNSYNCED : MARK_SYNCED;

	apply_unsynced(b, node, mark);
	return b->fd >= 0 ? add_line(b, mark, node, b->nodes[node]) : EMR_OK;
}

static bool note_store(book *b, size_t node, const char *id)
{
	return snprintf(b->stores[node], sizeof b->stores[node], "%s", id) <
	       (int)sizeof b->stores[node];
}

emr_status book_forget(book *b, size_t node)
{
	for (size_t i = 0; i < book_count(b); i++) {
		book_entry *entry = book_at(b, i);

		if ((entry->held >> node & 1) == 0)
			continue;
		EMR_TRY(book_set(b, entry, node, BOOK_SENT));
		entry->doubted |= (uint16_t)(1u << node);
	}
	return EMR_OK;
}

emr_status book_set_store(book *b, size_t node, const char *id, bool *out_is_other)
{
	emr_status status = EMR_OK;

	*out_is_other = b->stores[node][0] != '\0' && strcmp(b->stores[node], id) != 0;
	if (strcmp(b->stores[node], id) == 0)
		return EMR_OK;
	if (*out_is_other)
		status = book_forget(b, node);
	(void)note_store(b, node, id);
	return status == EMR_OK && b->fd >= 0 ? add_line(b, MARK_STORE, node, id) : status;
}

emr_buf book_take_lines(book *b)
{
	emr_buf lines = b->lines;

	b->lines = (emr_buf){0};
	return lines;
}

emr_status book_write(book *b, const emr_buf *lines)
{
	struct stat st;

	if (b->fd < 0 || lines->len == 0)
		return EMR_OK;
	if (fstat(b->fd, &st) != 0)
		return EMR_IO;
	EMR_TRY(emr_pwrite_all(b->fd, lines->data, lines->len, st.st_size));
	return fdatasync(b->fd) != 0 ? EMR_IO : EMR_OK;
}

/* ---- Reading the file ---- */

typedef struct old_line {
	emr_cid root;
	uint8_t node, mark;
	uint32_t number;
} old_line;

static int compare_lines(const void *x, const void *y)
{
	const old_line *a = x, *b = y;
	int order = book_compare(&a->root, &b->root);

	return order != 0 ? order : (a->number > b->number) - (a->number < b->number);
}

static bool read_node(book *b, size_t number, const char *name)
{
	if (number != b->node_count || number == EMR_PUBLISHER_NODES_MAX ||
		strlen(name) > NAME_MAX_BYTES) /* it could not be written again */
		return false;
	b->nodes[number] = strdup(name);
	b->node_count += b->nodes[number] != NULL;
	return b->nodes[number] != NULL;
}

/* Without its line feed. */
static bool read_line(book *b, const char *line, emr_buf *all)
{
	old_line one = {.number = (uint32_t)(all->len / sizeof one)};
	unsigned node;
	int at = -1;
	char mark;

	if (sscanf(line, "%c %2u %n", &mark, &node, &at) != 2 || at < 0)
		return false;
	if (mark == 'p')
		return read_node(b, node, line + at);
	if (mark == MARK_STORE && node < b->node_count)
		return note_store(b, node, line + at);
	if ((mark == MARK_UNSYNCED || mark == MARK_SYNCED) && node < b->node_count) {
		apply_unsynced(b, node, mark);
		return true;
	}
	if ((mark != BOOK_SENT && mark != BOOK_HELD && mark != BOOK_GONE) ||
		node >= b->node_count || emr_cid_parse_text(line + at, &one.root) != EMR_OK)
		return false;
	one.node = (uint8_t)node;
	one.mark = (uint8_t)mark;
	return emr_buf_append(all, &one, sizeof one) == EMR_OK;
}

static emr_status fold(book *b, emr_buf *all)
{
	old_line *lines = (void *)all->data;
	size_t n = all->len / sizeof *lines;

	EMR_SORT(lines, n, compare_lines);
	for (size_t i = 0; i < n; i++) {
		if (i == 0 || !emr_cid_equal(&lines[i].root, &lines[i - 1].root)) {
			const book_entry entry = {.root = lines[i].root};

			EMR_TRY(emr_buf_append(&b->entries, &entry, sizeof entry));
		}
		apply(book_at(b, book_count(b) - 1), lines[i].node, (book_mark)lines[i].mark);
	}
	return EMR_OK;
}

/* *OUT_LINES: how many there were that could be read. */
static emr_status read_book(book *b, size_t *out_lines)
{
	EMR_AUTO_BUF file = {0}, all = {0};
	emr_status status = emr_file_read(b->dirfd, BOOK_NAME, BOOK_MAX, &file);
	const size_t first = strlen(BOOK_FIRST);
	char *text, *end;

	b->is_doubtful = true;
	*out_lines = 0;
	if (status == EMR_OK)
		status = emr_buf_append_zeros(&file, 1);
	if (status != EMR_OK)
		return status == EMR_NO_MEMORY ? status : EMR_OK;
	text = (char *)file.data;
	if (strncmp(text, BOOK_FIRST, first) != 0)
		return EMR_OK;
	for (text += first; (end = strchr(text, '\n')) != NULL; text = end + 1) {
		*end = '\0';
		if (!read_line(b, text, &all))
			break;
		++*out_lines;
	}
	b->is_doubtful = text != (char *)file.data + file.len - 1; /* zeros are lost lines, too */
	return fold(b, &all);
}

/* ---- Writing it again ---- */

static emr_status write_anew(book *b)
{
	emr_status status = emr_buf_append(&b->lines, BOOK_FIRST, strlen(BOOK_FIRST));

	for (size_t i = 0; status == EMR_OK && i < b->node_count; i++)
		status = add_line(b, 'p', i, b->nodes[i]);
	for (size_t i = 0; status == EMR_OK && i < b->node_count; i++) {
		if ((b->unsynced >> i & 1) != 0)
			status = add_line(b, MARK_UNSYNCED, i, b->nodes[i]);
		if (status == EMR_OK && b->stores[i][0] != '\0')
			status = add_line(b, MARK_STORE, i, b->stores[i]);
	}
	for (size_t i = 0; status == EMR_OK && i < book_count(b); i++) {
		const book_entry *entry = book_at(b, i);
		char text[EMR_CID_TEXT_CHARS + 1];

		emr_cid_text(&entry->root, text);
		for (size_t node = 0; status == EMR_OK && node < b->node_count; node++) {
			if (((entry->held | entry->sent) >> node & 1) != 0)
				status = add_line(b,
					(entry->held >> node & 1) != 0 ? BOOK_HELD : BOOK_SENT,
					node, text);
		}
	}
	if (status == EMR_OK)
		status = emr_file_replace(b->dirfd, BOOK_NAME, emr_buf_view(&b->lines), 0600);
	emr_buf_clear(&b->lines);
	return status;
}

static emr_status open_file(book *b)
{
	b->fd = openat(b->dirfd, BOOK_NAME, O_WRONLY | O_CLOEXEC | O_NOFOLLOW);
	return b->fd >= 0 ? EMR_OK : EMR_IO;
}

static emr_status begin_file(book *b)
{
	EMR_TRY(write_anew(b));
	return open_file(b);
}

/* Of a node that the settings do not have any more, when there is no room left. */
static size_t free_number(book *b, const uint8_t *used, size_t used_count)
{
	for (size_t number = 0; number < EMR_PUBLISHER_NODES_MAX; number++) {
		bool is_used = false;

		for (size_t i = 0; i < used_count; i++)
			is_used |= used[i] == number;
		if (is_used)
			continue;
		emr_log(EMR_LOG_WARN, "copies: the former node is forgotten");
		for (size_t i = 0; i < book_count(b); i++)
			apply(book_at(b, i), number, BOOK_GONE);
		apply_unsynced(b, number, MARK_SYNCED);
		b->stores[number][0] = '\0';
		free(b->nodes[number]);
		b->nodes[number] = NULL;
		return number;
	}
	return 0; /* cannot be: there are not more of them than numbers */
}

static bool find_node(const book *b, const char *name, uint8_t *out_number)
{
	for (size_t i = 0; i < b->node_count; i++) {
		if (strcmp(b->nodes[i], name) == 0) {
			*out_number = (uint8_t)i;
			return true;
		}
	}
	return false;
}

/* Those that are known first: their numbers are not to be given away. */
static emr_status number_nodes(
	book *b, const char *const *names, size_t count, uint8_t *out_numbers, bool *out_is_new)
{
	uint8_t used[EMR_PUBLISHER_NODES_MAX];
	size_t used_count = 0;

	for (size_t i = 0; i < count; i++)
		used_count += find_node(b, names[i], &used[used_count]);
	for (size_t i = 0; i < count; i++) {
		size_t number = b->node_count;

		if (find_node(b, names[i], &out_numbers[i]))
			continue;
		if (number == EMR_PUBLISHER_NODES_MAX)
			number = free_number(b, used, used_count);
		else
			b->node_count++;
		b->nodes[number] = strdup(names[i]);
		if (b->nodes[number] == NULL)
			return EMR_NO_MEMORY;
		out_numbers[i] = used[used_count++] = (uint8_t)number;
		*out_is_new = true;
	}
	return EMR_OK;
}

emr_status book_open(book *b, int dirfd, bool is_still, const char *const *names, size_t count,
	uint8_t *out_numbers)
{
	bool is_new = false;
	size_t lines = 0;

	*b = (book){.dirfd = dirfd, .fd = -1, .is_still = is_still};
	if (count > EMR_PUBLISHER_NODES_MAX)
		return EMR_LIMIT;
	EMR_TRY(read_book(b, &lines));
	EMR_TRY(number_nodes(b, names, count, out_numbers, &is_new));
	if (is_still || b->is_doubtful)
		return EMR_OK;
	if (is_new || lines > 2 * book_count(b) + SPARE_LINES)
		return begin_file(b);
	return open_file(b);
}

void book_close(book *b)
{
	emr_auto_close(&b->fd);
	for (size_t i = 0; i < b->node_count; i++)
		free(b->nodes[i]);
	emr_buf_free(&b->entries);
	emr_buf_free(&b->lines);
	*b = (book){.dirfd = -1, .fd = -1};
}
