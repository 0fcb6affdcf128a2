/* This file knows what a folder may hold after a power cut: it reads what a program did and what
 * was promised to it, and compares that with what came back. More than was promised may be
 * there, less may not. */
#include "powercut_model.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct op {
	char kind[10];
	char a[300], b[300];
	unsigned mode;
} op;

/* One content of one file. */
typedef struct content {
	long op;
	bool is_spilled;
	char hash[65];
} content;

typedef struct item { /* a file or directory, whatever its name */
	bool is_directory;
	content *versions;
	size_t n;
	long content_floor; /* at least the content of this operation */
	long row_op;	    /* last operation that wrote its row */
	bool in_spill;
} item;

typedef struct entry { /* a name at one moment */
	char path[300];
	size_t item;
	unsigned mode;
	char value[64];
} entry;

typedef struct state {
	entry *entries;
	size_t n;
} state;

typedef struct confirmed {
	long op;
	size_t item;
	char id[40];
	unsigned long long version;
} confirmed;

struct model {
	op *ops; /* 1 .. nops; 0 is the empty folder */
	long nops;
	long floor;
	item *items;
	size_t nitems;
	confirmed *confirmed;
	size_t nconfirmed;
	state now;
};

static _Noreturn void die(const char *what, const char *line)
{
	fprintf(stderr, "model: %s: %s\n", what, line);
	exit(3);
}

static void *grown(void *old, size_t bytes)
{
	void *more = realloc(old, bytes);

	if (more == NULL)
		die("no memory", "");
	return more;
}

static entry *find(state *s, const char *path)
{
	for (size_t i = 0; i < s->n; i++)
		if (strcmp(s->entries[i].path, path) == 0)
			return &s->entries[i];
	return NULL;
}

static void drop(state *s, const char *path)
{
	entry *e = find(s, path);

	if (e != NULL)
		*e = s->entries[--s->n];
}

static void add_version(model *m, size_t at, long number, bool is_spilled, const char *hash)
{
	item *i = &m->items[at];

	i->versions = grown(i->versions, (i->n + 1) * sizeof *i->versions);
	i->versions[i->n] = (content){.op = number, .is_spilled = is_spilled};
	snprintf(i->versions[i->n++].hash, sizeof i->versions[0].hash, "%s", hash);
}

#define EMPTY_HASH "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

static size_t new_item(model *m, long number, bool is_directory)
{
	m->items = grown(m->items, (m->nitems + 1) * sizeof *m->items);
	m->items[m->nitems] = (item){.is_directory = is_directory, .row_op = number};
	if (!is_directory)
		add_version(m, m->nitems, number, false, EMPTY_HASH);
	return m->nitems++;
}

static void move_below(state *s, const char *from, const char *to)
{
	size_t len = strlen(from);

	for (size_t i = 0; i < s->n; i++) {
		entry *e = &s->entries[i];
		char rest[300];

		if (strncmp(e->path, from, len) != 0 || (e->path[len] != 0 && e->path[len] != '/'))
			continue;
		snprintf(rest, sizeof rest, "%s", e->path + len);
		snprintf(e->path, sizeof e->path, "%.150s%.149s", to, rest);
	}
}

/* Applies operation NUMBER to S.  LEARN: also notes items and versions (once, while reading). */
static void apply(model *m, state *s, long number, size_t *next_item, bool learn)
{
	const op *o = &m->ops[number];
	entry *e = find(s, o->a);

	if (strcmp(o->kind, "mkdir") == 0 || strcmp(o->kind, "make") == 0) {
		size_t at = learn ? new_item(m, number, o->kind[1] == 'k') : *next_item;

		*next_item = at + 1;
		s->entries = grown(s->entries, (s->n + 1) * sizeof *s->entries);
		s->entries[s->n] = (entry){.item = at, .mode = o->kind[1] == 'k' ? 0755 : 0644};
		snprintf(s->entries[s->n++].path, sizeof s->entries[0].path, "%s", o->a);
	} else if (strcmp(o->kind, "rename") == 0) {
		if (strcmp(o->a, o->b) != 0) {
			drop(s, o->b);
			move_below(s, o->a, o->b);
		}
	} else if (strcmp(o->kind, "unlink") == 0 || strcmp(o->kind, "rmdir") == 0) {
		drop(s, o->a);
	} else if (strcmp(o->kind, "set") == 0 && e != NULL) {
		e->mode = o->mode;
		snprintf(e->value, sizeof e->value, "%.63s", o->b);
	}
	e = find(s, strcmp(o->kind, "rename") == 0 ? o->b : o->a);
	if (!learn || e == NULL)
		return;
	if (strcmp(o->kind, "put") == 0 || strcmp(o->kind, "spill") == 0) {
		bool spilled = o->kind[0] == 's';

		add_version(m, e->item, number, spilled, o->b);
		if (!spilled || !m->items[e->item].in_spill)
			m->items[e->item].row_op = number;
		m->items[e->item].in_spill = spilled;
	} else {
		m->items[e->item].row_op = number;
	}
}

static void read_operation(model *m, const char *line)
{
	long number;
	size_t unused;
	op o = {0};

	if (sscanf(line, "o %ld %9s %299s %299s", &number, o.kind, o.a, o.b) < 2 ||
		number != m->nops + 1)
		die("not an operation", line);
	if (strcmp(o.kind, "set") == 0 &&
		sscanf(line, "o %ld %*s %299s %o %299s", &number, o.a, &o.mode, o.b) != 4)
		die("not a set", line);
	m->ops = grown(m->ops, (size_t)(number + 1) * sizeof *m->ops);
	m->ops[number] = o;
	m->nops = number;
	apply(m, &m->now, number, &unused, true);
}

static void raise_floor(item *i, long number)
{
	for (size_t v = 0; v < i->n; v++)
		if (i->versions[v].op <= number && i->versions[v].op > i->content_floor)
			i->content_floor = i->versions[v].op;
}

/* The journal is one log: with the row of this item comes every row before it. */
static void promise_item(model *m, item *i, long number)
{
	raise_floor(i, number);
	if (i->row_op > m->floor)
		m->floor = i->row_op;
}

static void read_promise(model *m, const char *line)
{
	char path[300], id[40];
	unsigned long long version;
	long number;
	entry *e;

	if (sscanf(line, "d %ld", &number) == 1) {
		m->floor = number;
		for (size_t i = 0; i < m->nitems; i++)
			raise_floor(&m->items[i], number);
		return;
	}
	if (sscanf(line, "f %ld %299s", &number, path) == 2 && (e = find(&m->now, path)) != NULL) {
		promise_item(m, &m->items[e->item], number);
		return;
	}
	if (sscanf(line, "c %ld %299s %39s %llu", &number, path, id, &version) == 4 &&
		(e = find(&m->now, path)) != NULL) {
		m->confirmed = grown(m->confirmed, (m->nconfirmed + 1) * sizeof *m->confirmed);
		m->confirmed[m->nconfirmed] =
			(confirmed){.op = number, .item = e->item, .version = version};
		snprintf(m->confirmed[m->nconfirmed++].id, sizeof id, "%s", id);
		m->items[e->item].in_spill = false;
		promise_item(m, &m->items[e->item], number);
		return;
	}
	die("not a promise", line);
}

model *model_read(const char *marks_path)
{
	model *m = calloc(1, sizeof *m);
	FILE *file = fopen(marks_path, "r");
	char line[900];

	if (m == NULL || file == NULL)
		die("cannot read", marks_path);
	m->ops = grown(NULL, sizeof *m->ops);
	while (fgets(line, sizeof line, file) != NULL) {
		if (strchr(line, '\n') == NULL)
			die("half a line", line);
		line[strcspn(line, "\n")] = 0;
		if (line[0] == 'o')
			read_operation(m, line);
		else
			read_promise(m, line);
	}
	fclose(file);
	return m;
}

void model_free(model *m)
{
	for (size_t i = 0; i < m->nitems; i++)
		free(m->items[i].versions);
	free(m->items);
	free(m->ops);
	free(m->confirmed);
	free(m->now.entries);
	free(m);
}

long model_floor(const model *m)
{
	return m->floor;
}

/* Whether item I may read as HASH when the names are those after operation NUMBER. */
static bool may_read(const item *i, long number, const char *hash)
{
	long solid = 0;

	for (size_t v = 0; v < i->n; v++)
		if (!i->versions[v].is_spilled && i->versions[v].op <= number)
			solid = i->versions[v].op;
	for (size_t v = 0; v < i->n; v++) {
		const content *w = &i->versions[v];

		if (w->op < i->content_floor || w->op < solid)
			continue;
		if ((w->is_spilled || w->op == solid) && strcmp(w->hash, hash) == 0)
			return true;
	}
	return false;
}

static const found *look(const found *items, size_t n, const char *path)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(items[i].path, path) == 0)
			return &items[i];
	return NULL;
}

/* A rename may change the record's id, a scratch name ends it: only untouched names are held to
 * their id. */
static bool was_renamed(const model *m, const confirmed *c, const entry *e, long number)
{
	for (long k = c->op + 1; k <= number; k++)
		if (strcmp(m->ops[k].kind, "rename") == 0 &&
			strncmp(e->path, m->ops[k].b, strlen(m->ops[k].b)) == 0)
			return true;
	return false;
}

static bool fits(const model *m, const state *s, long number, const found *items, size_t n,
	char *why, size_t why_size)
{
	for (size_t i = 0; i < s->n; i++) {
		const entry *e = &s->entries[i];
		const found *f = look(items, n, e->path);

		if (f == NULL || f->is_directory != m->items[e->item].is_directory) {
			snprintf(why, why_size, "after %ld: %s is missing", number, e->path);
			return false;
		}
		if (f->mode != e->mode || strcmp(f->value, e->value) != 0) {
			snprintf(why, why_size,
				"after %ld: %s has mode %o and \"%s\", not %o and \"%s\"", number,
				e->path, f->mode, f->value, e->mode, e->value);
			return false;
		}
		if (!f->is_directory && !may_read(&m->items[e->item], number, f->hash)) {
			snprintf(why, why_size, "after %ld: %s has content %.16s (floor %ld)",
				number, e->path, f->hash, m->items[e->item].content_floor);
			return false;
		}
		for (size_t c = 0; c < m->nconfirmed; c++)
			if (m->confirmed[c].item == e->item &&
				!was_renamed(m, &m->confirmed[c], e, number) &&
				(strcmp(m->confirmed[c].id, f->id) != 0 ||
					f->version < m->confirmed[c].version)) {
				snprintf(why, why_size,
					"after %ld: %s is record %s version %llu, not %s %llu",
					number, e->path, f->id, f->version, m->confirmed[c].id,
					m->confirmed[c].version);
				return false;
			}
	}
	for (size_t i = 0; i < n; i++) {
		bool known = false;

		for (size_t j = 0; j < s->n; j++)
			known = known || strcmp(s->entries[j].path, items[i].path) == 0;
		if (!known) {
			snprintf(why, why_size, "after %ld: %s should not be there", number,
				items[i].path);
			return false;
		}
	}
	return true;
}

long model_match(model *m, const found *items, size_t n, char *why, size_t why_size)
{
	state s = {0};
	size_t next_item = 0, used = 0;
	long match = -1;

	why[0] = 0;
	for (long k = 0; k <= m->nops && match < 0; k++) {
		if (k > 0)
			apply(m, &s, k, &next_item, false);
		if (k < m->floor)
			continue;
		if (fits(m, &s, k, items, n, why + used, why_size - used))
			match = k;
		else if (used + 200 < why_size) {
			used += strlen(why + used);
			why[used++] = '\n';
			why[used] = 0;
		}
	}
	free(s.entries);
	return match;
}
