/* This file is the folder's tree in memory: nodes, names, directories and paths. It only moves
 * things around under the lock; whether a change is allowed and whether it is on the disk is
 * decided by its callers. */
#include "tree.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/codec.h"

#include "edit.h"
#include "file.h"
#include "kind.h"
#include "reclaim.h"

typedef struct name_key {
	const node *directory;
	const char *name;
} name_key;

static uint64_t hash_bytes(const emr_view *view, const void *data, size_t len)
{
	uint64_t hash;

	crypto_shorthash((uint8_t *)&hash, data, len, view->hash_key);
	return hash;
}

static uint64_t hash_name(const emr_view *view, const node *directory, const char *name)
{
	/* The number is spread over all bits. */
	return hash_bytes(view, name, strlen(name)) ^
	       directory->number * UINT64_C(0x9e3779b97f4a7c15);
}

static uint64_t hash_id(const emr_view *view, emr_id16 id)
{
	return hash_bytes(view, id.b, sizeof id.b);
}

/* Nodes that are only shown have ids that everybody can work out, and others choose the ids of
 * their deposits here: the two never meet. */
static bool has_id(const void *item, const void *key)
{
	return emr_id16_equal(((const node *)item)->id, *(const emr_id16 *)key) &&
	       !kind_is_shown(item);
}

static bool has_shown_id(const void *item, const void *key)
{
	return emr_id16_equal(((const node *)item)->id, *(const emr_id16 *)key) &&
	       kind_is_shown(item);
}

static bool has_name(const void *item, const void *key)
{
	const node *n = item;
	const name_key *wanted = key;

	return n->parent == wanted->directory && strcmp(n->name, wanted->name) == 0;
}

uint64_t tree_ino_of(emr_id16 id)
{
	uint64_t ino = emr_get_u64(id.b) >> 11;

	return ino <= 1 ? 2 : ino;
}

static file *new_file(void)
{
	file *f = calloc(1, sizeof *f);

	pthread_rwlockattr_t attr;

	if (f == NULL)
		return NULL;
	/* Publishing must not wait for ever behind readers. */
	pthread_rwlockattr_init(&attr);
	pthread_rwlockattr_setkind_np(&attr, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
	pthread_rwlock_init(&f->lock, &attr);
	pthread_rwlockattr_destroy(&attr);
	return f;
}

emr_status tree_set_attributes(node *n, emr_bytes bytes)
{
	uint8_t *copy = bytes.len > 0 ? malloc(bytes.len) : NULL;

	if (bytes.len > 0 && copy == NULL)
		return EMR_NO_MEMORY;
	if (copy != NULL)
		memcpy(copy, bytes.data, bytes.len);
	free(n->attributes);
	n->attributes = copy;
	n->attributes_len = (uint32_t)bytes.len;
	return EMR_OK;
}

void tree_take_attributes(node *n, emr_buf *bytes)
{
	free(n->attributes);
	n->attributes = bytes->data;
	n->attributes_len = (uint32_t)bytes->len;
	*bytes = (emr_buf){0};
}

void tree_swap_attributes(node *a, node *b)
{
	uint8_t *bytes = a->attributes;
	uint32_t len = a->attributes_len;

	a->attributes = b->attributes;
	a->attributes_len = b->attributes_len;
	b->attributes = bytes;
	b->attributes_len = len;
}

void tree_take_target(node *n, char *target)
{
	if (n->type != EMR_META_SYMLINK) {
		free(target);
		return;
	}
	free(n->target);
	n->target = target;
}

emr_status tree_need_pending(node *n)
{
	if (n->pending == NULL)
		n->pending = calloc(1, sizeof *n->pending);
	return n->pending != NULL ? EMR_OK : EMR_NO_MEMORY;
}

void tree_note_changed(node *n, int64_t boot_ns)
{
	if (tree_need_pending(n) == EMR_OK)
		n->pending->changed_boot_ns = boot_ns;
}

void tree_set_next_id(node *n, emr_id16 id)
{
	if (n->pending != NULL)
		n->pending->next_id = id;
}

void tree_set_lost_parent(node *n, emr_id16 id)
{
	if (n->pending != NULL)
		n->pending->lost_parent = id;
}

void tree_drop_pending(node *n)
{
	if (n->state != NODE_LIVE || n->has_row || n->is_queued || n->in_run ||
		!emr_id16_is_zero(node_next_id(n)) || !emr_id16_is_zero(node_lost_parent(n)))
		return;
	free(n->pending);
	n->pending = NULL;
}

static bool is_domain_id(const void *item, const void *key)
{
	return emr_id16_equal(*(const emr_id16 *)item, *(const emr_id16 *)key);
}

static const emr_id16 *find_domain(const emr_view *view, emr_id16 id)
{
	return table_find(&view->index.domains, &view->index.domain_ids, hash_id(view, id),
		is_domain_id, &id);
}

/* Of a domain there is one id for all nodes that are published in it. */
static emr_status need_domain(emr_view *view, emr_id16 id)
{
	emr_id16 *copy;

	if (find_domain(view, id) != NULL)
		return EMR_OK;
	EMR_TRY(table_reserve(&view->index.domains));
	EMR_TRY(slots_reserve(&view->index.domain_ids));
	copy = malloc(sizeof *copy);
	EMR_TRY_MEMORY(copy);
	*copy = id;
	table_add(&view->index.domains, hash_id(view, id),
		slot_of(slots_add(&view->index.domain_ids, copy)));
	return EMR_OK;
}

emr_status tree_need_place(emr_view *view, const emr_place *place)
{
	if (view->index.spare_place == NULL)
		view->index.spare_place = malloc(sizeof *view->index.spare_place);
	if (view->index.spare_ids == NULL)
		view->index.spare_ids = malloc(sizeof *view->index.spare_ids);
	return view->index.spare_place != NULL && view->index.spare_ids != NULL
		       ? need_domain(view, place->domain)
		       : EMR_NO_MEMORY;
}

static packed_place place_whole(emr_view *view, const node *n, const emr_place *place)
{
	packed_place packed = {.whole = n->packed.whole};

	if (!n->has_whole_place) {
		packed.whole = view->index.spare_place;
		view->index.spare_place = NULL;
	}
	*packed.whole = *place;
	return packed;
}

static packed_place place_with_ids(emr_view *view, const node *n, const emr_place *place)
{
	packed_place packed = packed_of(place);

	packed.ids = n->packed.ids;
	if (!n->has_own_record) {
		packed.ids = view->index.spare_ids;
		view->index.spare_ids = NULL;
	}
	*packed.ids = (packed_ids){.domain = place->domain, .record = place->record_id};
	return packed;
}

void tree_set_place(emr_view *view, node *n, const emr_place *place)
{
	void *before = node_place_memory(n);
	packed_place packed = packed_of(place);
	bool fits = packed_fits(place, n->id),
	     is_ordinary = emr_id16_equal(place->record_id, packed_record(&packed, n->id));

	if (!fits)
		packed = place_whole(view, n, place);
	else if (!is_ordinary)
		packed = place_with_ids(view, n, place);
	else
		packed.domain = find_domain(view, place->domain);
	n->packed = packed;
	n->has_whole_place = !fits;
	n->has_own_record = fits && !is_ordinary;
	if (node_place_memory(n) != before)
		free(before);
}

emr_status tree_need_file(node *n)
{
	if (!node_is_file(n))
		return EMR_INVALID;
	if (n->file == NULL)
		n->file = new_file();
	return n->file != NULL ? EMR_OK : EMR_NO_MEMORY;
}

void tree_set_reader(file *f, emr_content_reader *reader)
{
	__atomic_store_n(&f->home_leaves, 0, __ATOMIC_RELAXED);
	__atomic_store_n(&f->judged_boot_ns, 0, __ATOMIC_RELEASE);
	emr_content_reader_free(__atomic_exchange_n(&f->reader, reader, __ATOMIC_ACQ_REL));
}

bool tree_has_reader(const node *n)
{
	return node_file(n) != NULL &&
	       __atomic_load_n(&node_file(n)->reader, __ATOMIC_ACQUIRE) != NULL;
}

emr_status tree_need_content(node *n)
{
	EMR_TRY(tree_need_file(n));
	if (node_file(n)->content == NULL)
		node_file(n)->content = calloc(1, sizeof *node_file(n)->content);
	return node_file(n)->content != NULL ? EMR_OK : EMR_NO_MEMORY;
}

void tree_drop_content(node *n)
{
	if (node_file(n) == NULL || node_file(n)->has_content)
		return;
	free(node_file(n)->content);
	node_file(n)->content = NULL;
}

emr_status tree_new_node(
	emr_view *view, emr_meta_type type, emr_id16 id, uint64_t ino, node **out_node)
{
	node *n;

	EMR_TRY(slots_reserve(&view->nodes));
	EMR_TRY(table_reserve(&view->index.by_id));
	n = calloc(1, sizeof *n);
	EMR_TRY_MEMORY(n);
	n->type = (uint8_t)type;
	if (type == EMR_META_DIR && (n->listing = calloc(1, sizeof *n->listing)) == NULL) {
		free(n);
		return EMR_NO_MEMORY;
	}
	n->number = slots_add(&view->nodes, n);
	n->id = id;
	n->ino = ino != 0 ? ino : tree_ino_of(id);
	n->state = NODE_GONE;
	n->kind = &own_kind;
	if (type == EMR_META_DIR)
		n->listing->next_cookie = 3; /* 1 and 2 are "." and ".." */
	table_add(&view->index.by_id, hash_id(view, id), slot_of(n->number));
	*out_node = n;
	return EMR_OK;
}

/* Nobody wants the bytes of a file without a name, and from here on none of them is needed; those
 * of one with a name stay in its spill. */
static void free_file(emr_view *view, node *n)
{
	file *f = node_file(n);

	if (f == NULL)
		return;
	if (n->state == NODE_GONE && (f->has_content || f->staging != NULL))
		space_died(view, f->has_content ? f->content->padded : 0);
	if (n->state == NODE_GONE)
		end_working_copy(take_working_copy(view, f));
	emr_staging_free(f->staging);
	emr_content_reader_free(f->reader);
	free(f->content);
	free(f->restored);
	free(f->shown);
	pthread_rwlock_destroy(&f->lock);
	free(f);
	n->file = NULL;
}

void tree_free_node(emr_view *view, node *n)
{
	table_remove(&view->index.by_id, hash_id(view, n->id), slot_of(n->number));
	slots_remove(&view->nodes, n->number);
	free_file(view, n);
	free(node_place_memory(n));
	free(n->attributes);
	free(n->pending);
	if (!kind_of(n)->is_borrowed)
		free(n->was);
	free(n->name);
	if (n->type == EMR_META_DIR) {
		free(n->listing->kids);
		free(n->listing);
	}
	tree_take_target(n, NULL);
	free(n);
}

/* A node that a publishing run still has to take out of its queue has no bytes meanwhile: the next
 * run may be far away. */
static void free_or_wait(emr_view *view, node *n)
{
	if (n->is_queued)
		free_file(view, n);
	else
		tree_free_node(view, n);
}

void tree_release_if_unused(emr_view *view, node *n)
{
	if (kind_of(n)->release != NULL)
		kind_of(n)->release(view, n);
	else if (n->state == NODE_GONE && n->kernel_refs == 0 && n->opens == 0 && n != view->root)
		free_or_wait(view, n);
}

void tree_let_go(emr_view *view, node *n)
{
	EMR_LOCKED(&view->lock);

	n->opens--;
	tree_release_if_unused(view, n);
}

int tree_compare_ids(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(emr_id16));
}

emr_status tree_become_root(emr_view *view, node *n)
{
	EMR_TRY(table_reserve(&view->index.by_id));
	table_remove(&view->index.by_id, hash_id(view, n->id), slot_of(n->number));
	slots_close(&view->nodes, n->number);
	slots_put(&view->nodes, EMR_ROOT_NODE, n);
	n->number = EMR_ROOT_NODE;
	table_add(&view->index.by_id, hash_id(view, n->id), slot_of(n->number));
	n->state = NODE_LIVE;
	n->is_domain = true;
	view->root = n;
	return EMR_OK;
}

node *tree_by_number(const emr_view *view, uint64_t number)
{
	node *n =
		slot_of(number) < view->nodes.used ? slots_at(&view->nodes, slot_of(number)) : NULL;

	return n != NULL && n->number == number ? n : NULL;
}

node *tree_by_id(const emr_view *view, emr_id16 id)
{
	node *n = tree_awake_by_id(view, id);

	return n == NULL && rest_wake_id(view, id) ? tree_awake_by_id(view, id) : n;
}

node *tree_awake_by_id(const emr_view *view, emr_id16 id)
{
	return table_find(&view->index.by_id, &view->nodes, hash_id(view, id), has_id, &id);
}

node *tree_by_shown_id(const emr_view *view, emr_id16 id)
{
	return table_find(&view->index.by_id, &view->nodes, hash_id(view, id), has_shown_id, &id);
}

node *tree_directory_by_id(const emr_view *view, emr_id16 id)
{
	node *n = tree_by_shown_id(view, id);

	return n != NULL ? n : tree_by_id(view, id);
}

node *tree_child(const emr_view *view, const node *directory, const char *name)
{
	name_key key = {.directory = directory, .name = name};

	rest_wake(directory);
	return table_find(&view->index.by_name, &view->nodes, hash_name(view, directory, name),
		has_name, &key);
}

/* A name came or went: what was vacated under it is shown as deleted, or is not any more. */
static void note_name(emr_view *view)
{
	view->vacated_changes += view->vacated != NULL;
}

/* Closes the holes that kids left; cookies stay, so listings go on undisturbed. */
static void close_holes(kid_list *in)
{
	size_t kept = 0;

	for (size_t i = 0; i < in->nkids; i++)
		if (in->kids[i] != NULL) {
			in->kids[i]->slot = (uint32_t)kept;
			in->kids[kept++] = in->kids[i];
		}
	in->nkids = kept;
}

static emr_status reserve_kids(kid_list *in, size_t more)
{
	size_t cap = in->kids_cap;
	node **kids;

	if (in->nkids + more <= cap)
		return EMR_OK;
	if ((in->live_kids + more) * 2 < cap) {
		close_holes(in);
		return EMR_OK;
	}
	cap = cap == 0 ? 8 : cap * 2;
	kids = realloc(in->kids, cap * sizeof *kids);
	EMR_TRY_MEMORY(kids);
	in->kids = kids;
	in->kids_cap = cap;
	return EMR_OK;
}

static void add_kid(emr_view *view, node *directory, node *n, char *name)
{
	kid_list *in = directory->listing;

	n->parent = directory;
	n->name = name;
	n->state = NODE_LIVE;
	n->cookie = in->next_cookie++;
	n->slot = (uint32_t)in->nkids;
	in->kids[in->nkids++] = n;
	in->live_kids++;
	if (n->type == EMR_META_DIR)
		in->subdirectories++;
	if (emr_name_is_half_download(name))
		in->half_downloads++;
	table_add(&view->index.by_name, hash_name(view, directory, name), slot_of(n->number));
	note_name(view);
}

emr_status tree_prepare(emr_view *view, node *directory, const char *name, char **out_name)
{
	char *copy;

	rest_wake(directory);
	EMR_TRY(directory->listing->is_partial ? EMR_IO : EMR_OK); /* the name may be taken */
	/* Two for an exchange within one directory. */
	EMR_TRY(table_reserve_more(&view->index.by_name, 2));
	EMR_TRY(reserve_kids(directory->listing, 2));
	copy = strdup(name);
	EMR_TRY_MEMORY(copy);
	*out_name = copy;
	return EMR_OK;
}

emr_status tree_attach(emr_view *view, node *directory, const char *name, node *n)
{
	char *copy;

	EMR_TRY(tree_prepare(view, directory, name, &copy));
	add_kid(view, directory, n, copy);
	return EMR_OK;
}

bool tree_is_kept_name(
	const emr_view *view, const node *directory, const char *name, bool is_domain)
{
	return directory == view->root &&
	       (emr_name_is_reserved_at_top(name) || (!is_domain && strcmp(name, "Inbox") == 0));
}

void tree_free_name(const emr_view *view, const node *directory, emr_id16 id, const char *name,
	char out[EMR_NAME_MAX + 1])
{
	char code[27];

	emr_base32(id.b, sizeof id.b, code);
	for (size_t digits = 4; digits <= 26; digits += 2) {
		emr_name_with_code(name, code, digits, out);
		if (tree_child(view, directory, out) == NULL)
			return;
	}
}

/* The index of the first kid whose cookie is COOKIE or larger: holes are skipped to the right. */
static size_t kid_index(const kid_list *in, uint64_t cookie)
{
	size_t low = 0, high = in->nkids;

	while (low < high) {
		size_t mid = low + (high - low) / 2, probe = mid;

		while (probe < high && in->kids[probe] == NULL)
			probe++;
		if (probe == high || in->kids[probe]->cookie >= cookie)
			high = mid;
		else
			low = probe + 1;
	}
	return low;
}

void tree_detach(emr_view *view, node *n)
{
	const node *directory = n->parent;
	kid_list *in = directory->listing;

	in->kids[n->slot] = NULL;
	while (in->nkids > 0 && in->kids[in->nkids - 1] == NULL)
		in->nkids--;
	in->live_kids--;
	if (in->nkids > 64 && in->live_kids * 2 < in->nkids)
		close_holes(in);
	if (n->type == EMR_META_DIR)
		in->subdirectories--;
	if (emr_name_is_half_download(n->name))
		in->half_downloads--;
	table_remove(&view->index.by_name, hash_name(view, directory, n->name), slot_of(n->number));
	note_name(view);
	free(n->name);
	n->name = NULL;
	n->parent = NULL;
	n->state = NODE_GONE;
}

void tree_attach_prepared(emr_view *view, node *directory, char *name, node *n)
{
	add_kid(view, directory, n, name);
}

node *tree_find(const emr_view *view, const char *path)
{
	char name[EMR_NAME_MAX + 1];
	node *n = view->root;

	while (n != NULL && *path != 0) {
		size_t len = strcspn(path, "/");

		if (len > EMR_NAME_MAX)
			return NULL;
		memcpy(name, path, len);
		name[len] = 0;
		path += len;
		if (len != 0 && strcmp(name, ".") != 0)
			n = n->type == EMR_META_DIR ? tree_child(view, n, name) : NULL;
		path += strspn(path, "/");
	}
	return n;
}

void tree_move(emr_view *view, node *n, node *directory, char *name)
{
	tree_detach(view, n);
	add_kid(view, directory, n, name);
}

void tree_swap(emr_view *view, node *a, node *b, char *name_of_a, char *name_of_b)
{
	node *dir_a = a->parent, *dir_b = b->parent;

	tree_detach(view, a);
	tree_detach(view, b);
	add_kid(view, dir_b, a, name_of_a);
	add_kid(view, dir_a, b, name_of_b);
}

emr_status tree_reserve_ids(emr_view *view, size_t more)
{
	return table_reserve_more(&view->index.by_id, more);
}

emr_status tree_change_id(emr_view *view, node *n, emr_id16 id)
{
	EMR_TRY(table_reserve(&view->index.by_id));
	table_remove(&view->index.by_id, hash_id(view, n->id), slot_of(n->number));
	n->id = id;
	table_add(&view->index.by_id, hash_id(view, id), slot_of(n->number));
	return EMR_OK;
}

void tree_follow_directory(emr_view *view, node *n, emr_id16 from)
{
	for (vacated *v = view->vacated; v != NULL; v = v->next)
		if (emr_id16_equal(v->directory, from))
			v->directory = n->id;
	for (node *kid = tree_next_kid(n, 0); kid != NULL; kid = tree_next_kid(n, kid->cookie))
		if (kid->was != NULL && emr_id16_equal(kid->was->directory, from))
			kid->was->directory = n->id;
}

void tree_forget_id(emr_view *view, node *n)
{
	table_remove(&view->index.by_id, hash_id(view, n->id), slot_of(n->number));
}

bool tree_is_below(const node *n, const node *directory)
{
	while (n != NULL && n != directory)
		n = n->parent;
	return n != NULL;
}

node *tree_kid_from(const kid_list *in, size_t i)
{
	while (i < in->nkids && in->kids[i] == NULL)
		i++;
	return i < in->nkids ? in->kids[i] : NULL;
}

node *tree_next_awake_kid(const node *directory, uint64_t cookie)
{
	const kid_list *in = node_listing(directory);

	return in != NULL ? tree_kid_from(in, kid_index(in, cookie + 1)) : NULL;
}

emr_id16 tree_domain(const node *n)
{
	while (!n->is_domain && n->parent != NULL) {
		if (n->is_published && !emr_id16_is_zero(node_lost_parent(n)))
			return node_domain(n);
		n = n->parent;
	}
	return kind_of(n)->domain != NULL ? kind_of(n)->domain(n) : tree_future_id(n);
}

emr_id16 tree_future_id(const node *n)
{
	if (kind_of(n)->object != NULL)
		return kind_of(n)->object(n);
	return emr_id16_is_zero(node_next_id(n)) ? n->id : node_next_id(n);
}

emr_id16 tree_next_id(const emr_view *view, const node *n, emr_id16 domain)
{
	emr_id16 id;

	/* A random one is as good, but for another computer that moves the same record at this
	 * moment. */
	if (emr_keyring_object_id(view->options.keyring, n->id, domain, &id) != EMR_OK)
		id = emr_id16_random();
	return id;
}

bool tree_is_root_object(const node *n)
{
	return n->is_published && emr_id16_equal(node_object(n), node_domain(n));
}

/* From below the uppermost node. */
static char *path_below_top(const node *n)
{
	size_t len = 0;
	char *path, *end;

	for (const node *at = n; at->parent != NULL; at = at->parent)
		len += strlen(at->name) + 1;
	path = malloc(len + 1);
	if (path == NULL)
		return NULL;
	path[0] = 0;
	if (len == 0)
		return path;
	end = path + len - 1;
	*end = 0;
	for (const node *at = n; at->parent != NULL; at = at->parent) {
		size_t part = strlen(at->name);

		end -= part;
		memcpy(end, at->name, part);
		if (end > path)
			*--end = '/';
	}
	return path;
}

char *tree_path(const node *n)
{
	const node *top = kind_top(n);
	char *up, *below, *path = NULL;

	if (top == NULL || top == n)
		return path_below_top(n);
	if (kind_of(top)->within->is_whole(n))
		return kind_path(top);
	up = kind_path(top);
	below = path_below_top(n);
	if (up != NULL && below != NULL && asprintf(&path, "%s/%s", up, below) < 0)
		path = NULL;
	free(up);
	free(below);
	return path;
}

/* The bytes that st_blocks leaves out. */
static uint64_t tree_hole_bytes(const node *n)
{
	uint64_t stored = n->size;

	if (node_file(n) != NULL && node_file(n)->staging != NULL)
		stored = emr_staging_stored(node_file(n)->staging);
	else if (n->stored_leaves > 0)
		stored = (uint64_t)n->stored_leaves << EMR_LEAF_LOG2;
	return stored < n->size ? n->size - stored : 0;
}

void tree_note_stored(node *n, const emr_content *content)
{
	n->stored_leaves = emr_content_stored_leaves(content);
}

void tree_attr(const node *n, emr_attr *out_attr)
{
	*out_attr = (emr_attr){
		.node = n->number,
		.ino = n->ino,
		.type = (emr_meta_type)n->type,
		.mode = n->mode,
		.nlink = n->state == NODE_GONE	   ? 0
			 : n->type == EMR_META_DIR ? 2 + n->listing->subdirectories
						   : 1,
		.size_bytes = n->type == EMR_META_DIR	    ? 4096
			      : n->type == EMR_META_SYMLINK ? strlen(n->target)
							    : n->size,
		.hole_bytes = n->type == EMR_META_FILE ? tree_hole_bytes(n) : 0,
		.mtime_ns = n->mtime_ns,
		.ctime_ns = n->ctime_ns,
		/* A version of the past stays what it is: the kernel may keep it. */
		.is_virtual = n->state == NODE_VIRTUAL && !shared_has(n) && !kind_of(n)->is_past,
	};
}
