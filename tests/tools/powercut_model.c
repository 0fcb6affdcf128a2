/* This file takes recorded file operations one by one and keeps what is surely on the disk and
 * what a power cut may still take. */
#include "powercut_state.h"

#include "tool_kit.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { RENAME_SWAP = 2 /* RENAME_EXCHANGE */ };

static void *grow(void *array, size_t count, size_t *room, size_t each)
{
	if (count < *room)
		return array;
	*room = *room == 0 ? 16 : *room * 2;
	array = realloc(array, *room * each);
	if (array == NULL)
		emr_kit_die("no memory");
	return array;
}

static char *text_of(const void *bytes, size_t size)
{
	char *text = emr_kit_alloc(size + 1);

	memcpy(text, bytes, size);
	return text;
}

struct powercut_model *powercut_model_new(enum powercut_names names, bool drops_flushes)
{
	struct powercut_model *model = emr_kit_alloc(sizeof(*model));

	model->names = names;
	model->drops_flushes = drops_flushes;
	return model;
}

static struct node *node_new(
	struct powercut_model *model, uint64_t inode, enum type type, unsigned mode)
{
	struct node *node = emr_kit_alloc(sizeof(*node));

	node->inode = inode;
	node->type = type;
	node->mode = mode;
	node->next = model->nodes;
	model->nodes = node;
	return node;
}

static struct node *node_find(const struct powercut_model *model, uint64_t inode)
{
	struct node *node = model->nodes;

	while (node != NULL && node->inode != inode)
		node = node->next;
	return node;
}

static struct entry *entry_find(const struct listing *listing, const char *name, size_t size)
{
	for (size_t i = 0; i < listing->count; i++)
		if (strncmp(listing->entries[i].name, name, size) == 0 &&
			listing->entries[i].name[size] == '\0')
			return &listing->entries[i];
	return NULL;
}

void powercut_entry_set(struct listing *listing, const char *name, struct node *node)
{
	struct entry *entry = entry_find(listing, name, strlen(name));

	if (entry != NULL && node != NULL) {
		entry->node = node;
	} else if (entry != NULL) {
		free(entry->name);
		*entry = listing->entries[--listing->count];
	} else if (node != NULL) {
		listing->entries = grow(listing->entries, listing->count, &listing->room,
			sizeof(*listing->entries));
		listing->entries[listing->count++] =
			(struct entry){text_of(name, strlen(name)), node};
	}
}

/* The directory of PATH as programs see it, and the last component. */
static struct node *parent_of(
	const struct powercut_model *model, const char *path, const char **out_name)
{
	struct node *dir = model->root;
	const char *slash;

	while (dir != NULL && (slash = strchr(path, '/')) != NULL) {
		struct entry *entry = entry_find(&dir->views[SEEN], path, (size_t)(slash - path));

		dir = entry == NULL ? NULL : entry->node;
		path = slash + 1;
	}
	*out_name = path;
	errno = 0;
	if (dir == NULL)
		emr_kit_die("the trace names a directory that is not there: %s", path);
	return dir;
}

static struct node *seen_at(const struct powercut_model *model, const char *path)
{
	const char *name;
	struct node *dir = parent_of(model, path, &name);
	struct entry *entry = entry_find(&dir->views[SEEN], name, strlen(name));

	errno = 0;
	if (entry == NULL)
		emr_kit_die("the trace names a file that is not there: %s", path);
	return entry->node;
}

void powercut_name_apply(const struct name_change *change, enum view view)
{
	if (change->other_dir != NULL)
		powercut_entry_set(
			&change->other_dir->views[view], change->other, change->other_node);
	powercut_entry_set(&change->dir->views[view], change->name, change->node);
}

static void name_add(struct powercut_model *model, struct name_change change)
{
	change.name = text_of(change.name, strlen(change.name));
	if (change.other != NULL)
		change.other = text_of(change.other, strlen(change.other));
	model->names_pending = grow(model->names_pending, model->name_count, &model->name_room,
		sizeof(*model->names_pending));
	model->names_pending[model->name_count++] = change;
	powercut_name_apply(&change, SEEN);
}

static void add_at(
	struct powercut_model *model, const char *path, struct node *node, uint64_t number)
{
	const char *name;
	struct node *dir = parent_of(model, path, &name);

	name_add(model, (struct name_change){.number = number,
				.dir = dir,
				.node = node,
				.name = (char *)(uintptr_t)name});
}

static void add_base(struct powercut_model *model, const char *path, struct node *node)
{
	const char *name;
	struct node *dir;

	if (path[0] == '\0') {
		model->root = node;
		return;
	}
	dir = parent_of(model, path, &name);
	powercut_entry_set(&dir->views[SEEN], name, node);
	powercut_entry_set(&dir->views[DURABLE], name, node);
}

static void apply_rename(
	struct powercut_model *model, const struct powercut_event *event, uint64_t number)
{
	const char *from, *to;
	struct node *from_dir = parent_of(model, event->path, &from);
	struct node *to_dir = parent_of(model, event->path2, &to);
	struct node *moved = seen_at(model, event->path);
	struct node *back = event->head.mode & RENAME_SWAP ? seen_at(model, event->path2) : NULL;

	if (from_dir == to_dir && strcmp(from, to) == 0)
		return;
	name_add(model, (struct name_change){.number = number,
				.dir = to_dir,
				.node = moved,
				.name = (char *)(uintptr_t)to,
				.other_dir = from_dir,
				.other = (char *)(uintptr_t)from,
				.other_node = back});
}

static void add_change(
	struct powercut_model *model, const struct powercut_event *event, uint64_t number)
{
	struct node *node = node_find(model, event->head.inode);

	errno = 0;
	if (node == NULL)
		emr_kit_die("the trace writes a file it did not create: inode %llu",
			(unsigned long long)event->head.inode);
	node->changes =
		grow(node->changes, node->change_count, &node->change_room, sizeof(*node->changes));
	node->changes[node->change_count++] = (struct change){.number = number,
		.kind = (enum powercut_kind)event->head.kind,
		.offset = event->head.offset,
		.length = event->head.length,
		.data = event->data,
		.keeps_size = event->head.kind == PC_ZERO && event->head.mode != 0};
}

void powercut_change_apply(struct powercut_image *image, const struct change *change)
{
	uint64_t size = image->size;

	if (change->kind == PC_WRITE || change->kind == PC_ZERO)
		powercut_image_write(image, change->offset, change->data, change->length);
	else if (change->kind == PC_TRUNCATE || change->offset > image->size)
		powercut_image_resize(image, change->offset);
	if (change->keeps_size)
		powercut_image_resize(image, size);
}

static void flush_bytes(struct node *node, uint64_t begin)
{
	size_t done = 0;

	while (done < node->change_count && node->changes[done].number < begin)
		powercut_change_apply(&node->disk, &node->changes[done++]);
	if (done == 0)
		return;
	node->change_count -= done;
	memmove(node->changes, node->changes + done, node->change_count * sizeof(*node->changes));
}

static bool concerns(const struct name_change *change, const struct node *node)
{
	return change->dir == node || change->node == node || change->other_dir == node ||
	       change->other_node == node;
}

/* Names that are durable from the oldest on need not be remembered one by one. */
static void settle_names(struct powercut_model *model)
{
	size_t done = 0;

	while (done < model->name_count && model->names_pending[done].is_durable) {
		powercut_name_apply(&model->names_pending[done], DURABLE);
		free(model->names_pending[done].name);
		free(model->names_pending[done++].other);
	}
	if (done == 0)
		return;
	model->name_count -= done;
	memmove(model->names_pending, model->names_pending + done,
		model->name_count * sizeof(*model->names_pending));
}

/* NODE NULL: everything was flushed. */
static void flush_names(struct powercut_model *model, const struct node *node, uint64_t begin)
{
	size_t last = 0;

	for (size_t i = 0; i < model->name_count; i++) {
		struct name_change *change = &model->names_pending[i];
		bool is_its = node == NULL ||
			      (model->names == PC_NAMES_ORDERED
					      ? concerns(change, node)
					      : change->dir == node || change->other_dir == node);

		if (change->number >= begin || !is_its)
			continue;
		change->is_durable = true;
		last = i + 1;
	}
	for (size_t i = 0; i < last && model->names == PC_NAMES_ORDERED; i++)
		model->names_pending[i].is_durable = true;
	settle_names(model);
}

static void flush_begin(
	struct powercut_model *model, const struct powercut_event *event, uint64_t number)
{
	model->flushes = grow(
		model->flushes, model->flush_count, &model->flush_room, sizeof(*model->flushes));
	model->flushes[model->flush_count++] =
		(struct flush){event->head.id, number, event->head.inode};
}

static void flush_end(struct powercut_model *model, const struct powercut_event *event)
{
	size_t i = 0;
	struct flush flush;

	while (i < model->flush_count && model->flushes[i].id != event->head.id)
		i++;
	if (i == model->flush_count)
		return;
	flush = model->flushes[i];
	model->flushes[i] = model->flushes[--model->flush_count];
	if (model->drops_flushes)
		return;
	for (struct node *node = model->nodes; node != NULL; node = node->next)
		if (flush.inode == 0 || node == node_find(model, flush.inode))
			flush_bytes(node, flush.number);
	flush_names(model, flush.inode == 0 ? NULL : node_find(model, flush.inode), flush.number);
}

void powercut_model_apply(
	struct powercut_model *model, const struct powercut_event *event, uint64_t number)
{
	const struct powercut_record *head = &event->head;
	const char *name;
	struct node *node;

	switch ((enum powercut_kind)head->kind) {
	case PC_BASE_DIR:
		add_base(model, event->path, node_new(model, head->inode, A_DIR, head->mode));
		break;
	case PC_BASE_FILE:
		node = node_new(model, head->inode, A_FILE, head->mode);
		powercut_image_write(&node->disk, 0, event->data, head->data_bytes);
		add_base(model, event->path, node);
		break;
	case PC_BASE_LINK:
		node = node_new(model, head->inode, A_LINK, 0777);
		node->text = text_of(event->data, head->data_bytes);
		add_base(model, event->path, node);
		break;
	case PC_CREATE:
		add_at(model, event->path, node_new(model, head->inode, A_FILE, head->mode),
			number);
		break;
	case PC_MKDIR:
		add_at(model, event->path, node_new(model, head->inode, A_DIR, head->mode), number);
		break;
	case PC_SYMLINK:
		node = node_new(model, head->inode, A_LINK, 0777);
		node->text = text_of(event->data, head->data_bytes);
		add_at(model, event->path, node, number);
		break;
	case PC_LINK:
		add_at(model, event->path2, seen_at(model, event->path), number);
		break;
	case PC_RENAME:
		apply_rename(model, event, number);
		break;
	case PC_UNLINK:
		node = parent_of(model, event->path, &name);
		name_add(model,
			(struct name_change){
				.number = number, .dir = node, .name = (char *)(uintptr_t)name});
		break;
	case PC_WRITE:
	case PC_ZERO:
	case PC_TRUNCATE:
	case PC_GROW:
		add_change(model, event, number);
		break;
	case PC_CHMOD:
		node = node_find(model, head->inode);
		if (node != NULL)
			node->mode = head->mode;
		break;
	case PC_SYNC_BEGIN:
		flush_begin(model, event, number);
		break;
	case PC_SYNC_END:
		flush_end(model, event);
		break;
	case PC_MARK:
	case PC_UNSUPPORTED:
	case PC_KINDS:
		break;
	}
}
