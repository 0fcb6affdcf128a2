/* This file draws one of the states that a disk may have after a power cut: which of the changes
 * that were not flushed are there, are missing, or are torn. */
#include "powercut_state.h"

#include "tool_kit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SECTOR = 512 };

static bool coin(uint64_t *rng)
{
	return emr_kit_below(rng, 2) == 1;
}

static uint64_t unit_of(unsigned style)
{
	return style == 5 ? PC_PAGE : SECTOR;
}

/* Copies what one change made of the sectors it touched, whole or piece by piece. */
static void keep_bytes(struct powercut_image *out, const struct powercut_image *now,
	const struct change *change, uint64_t unit, uint64_t *rng)
{
	uint64_t end = change->offset + change->length;

	if (change->kind != PC_WRITE && change->kind != PC_ZERO)
		return;
	if (unit == 0) {
		powercut_image_take(out, now, change->offset, change->length);
		return;
	}
	for (uint64_t at = change->offset / unit * unit; at < end; at += unit)
		if (coin(rng))
			powercut_image_take(out, now, at, unit);
}

/* A truncation that survives empties what lies behind the new size. */
static void keep_size(
	struct powercut_image *out, const struct change *change, uint64_t size, uint64_t *out_size)
{
	if (change->kind == PC_TRUNCATE && change->offset < *out_size) {
		uint64_t was = out->size;

		powercut_image_resize(out, change->offset);
		out->size = was;
	}
	*out_size = size;
}

/* Makes the bytes that the disk may hold of one file. */
static struct powercut_image cut_bytes(const struct node *node, unsigned style, uint64_t *rng)
{
	struct powercut_image now = powercut_image_copy(&node->disk);
	struct powercut_image out = powercut_image_copy(&node->disk);
	uint64_t size = out.size, prefix = emr_kit_below(rng, node->change_count + 1);

	for (size_t i = 0; i < node->change_count && style != 0; i++) {
		const struct change *change = &node->changes[i];
		bool is_torn = style >= 4 || (style == 2 && i == prefix);
		bool is_kept =
			style == 1 || (style == 2 && i < prefix) || (style == 3 && coin(rng));

		powercut_change_apply(&now, change);
		if (is_torn)
			keep_bytes(&out, &now, change, style == 2 ? SECTOR : unit_of(style), rng);
		else if (is_kept)
			keep_bytes(&out, &now, change, 0, rng);
		if (is_kept || (is_torn && coin(rng)))
			keep_size(&out, change, now.size, &size);
	}
	powercut_image_free(&now);
	out.size = size > out.size ? size : out.size;
	powercut_image_resize(&out, size);
	return out;
}

/* How one cut is drawn; each file draws for itself, so that two names of it show the same. */
struct draw {
	uint64_t seed;
	unsigned style;
};

/* Each change of a name for itself. */
static bool is_kept_apart(const struct name_change *change, const struct draw *draw)
{
	uint64_t rng = draw->seed ^ (change->number + 1) * 0x9e3779b97f4a7c15ULL;

	if (draw->style <= 1)
		return draw->style == 1;
	return coin(&rng);
}

static bool survives(const struct powercut_model *model, const struct name_change *change,
	uint64_t ordered_cut, const struct draw *draw)
{
	uint64_t cut = model->names == PC_NAMES_ORDERED ? ordered_cut : change->dir->cut_number;

	if (model->names == PC_NAMES_APART)
		return change->is_durable || is_kept_apart(change, draw);
	return change->is_durable || change->number < cut;
}

/* All names gone, all there, or up to a change drawn from those that are pending. */
static uint64_t draw_name_cut(const struct powercut_model *model, unsigned style, uint64_t *rng)
{
	uint64_t at = emr_kit_below(rng, model->name_count + 1);

	if (style == 0)
		return 0;
	return style == 1 || at == model->name_count ? UINT64_MAX : model->names_pending[at].number;
}

static void copy_listing(struct listing *to, const struct listing *from)
{
	for (size_t i = 0; i < to->count; i++)
		free(to->entries[i].name);
	to->count = 0;
	for (size_t i = 0; i < from->count; i++)
		powercut_entry_set(to, from->entries[i].name, from->entries[i].node);
}

static void cut_names(const struct powercut_model *model, const struct draw *draw, uint64_t *rng)
{
	unsigned style = draw->style;
	uint64_t ordered_cut = draw_name_cut(model, style, rng);

	for (struct node *node = model->nodes; node != NULL; node = node->next) {
		if (node->type != A_DIR)
			continue;
		copy_listing(&node->views[CUT], &node->views[DURABLE]);
		node->cut_number = draw_name_cut(model, style, rng);
	}
	for (size_t i = 0; i < model->name_count; i++)
		if (survives(model, &model->names_pending[i], ordered_cut, draw))
			powercut_name_apply(&model->names_pending[i], CUT);
}

static void save_dir(struct node *dir, int fd, const struct draw *draw);

static void save_file(const struct node *node, int fd, const struct draw *draw)
{
	uint64_t rng = draw->seed ^ node->inode * 0x9e3779b97f4a7c15ULL;
	struct powercut_image image = cut_bytes(node, draw->style, &rng);

	powercut_image_save(&image, fd);
	powercut_image_free(&image);
}

static void save_node(const struct entry *entry, int dir, const struct draw *draw)
{
	struct node *node = entry->node;
	int fd;

	if (node->type == A_LINK) {
		if (symlinkat(node->text, dir, entry->name) != 0)
			emr_kit_die("cannot make link %s", entry->name);
		return;
	}
	if (node->type == A_DIR && mkdirat(dir, entry->name, 0700) != 0)
		emr_kit_die("cannot make directory %s", entry->name);
	fd = openat(dir, entry->name,
		node->type == A_DIR ? O_RDONLY | O_DIRECTORY : O_WRONLY | O_CREAT | O_EXCL, 0600);
	if (fd < 0)
		emr_kit_die("cannot make %s", entry->name);
	if (node->type == A_DIR)
		save_dir(node, fd, draw);
	else
		save_file(node, fd, draw);
	if (fchmod(fd, node->mode) != 0)
		emr_kit_die("cannot set the mode of %s", entry->name);
	close(fd);
}

/* Half-done moves of directories may lead in a circle; what fsck would cut off is left out. */
static void save_dir(struct node *dir, int fd, const struct draw *draw)
{
	dir->is_being_saved = true;
	for (size_t i = 0; i < dir->views[CUT].count; i++)
		if (!dir->views[CUT].entries[i].node->is_being_saved)
			save_node(&dir->views[CUT].entries[i], fd, draw);
	dir->is_being_saved = false;
}

void powercut_model_save(
	const struct powercut_model *model, uint64_t seed, unsigned style, const char *dir)
{
	struct draw draw = {seed, style};
	uint64_t rng = seed;
	int fd;

	if (mkdir(dir, 0700) != 0)
		emr_kit_die("cannot make %s", dir);
	fd = open(dir, O_RDONLY | O_DIRECTORY);
	if (fd < 0 || model->root == NULL)
		emr_kit_die("cannot open %s", dir);
	cut_names(model, &draw, &rng);
	save_dir(model->root, fd, &draw);
	if (fchmod(fd, model->root->mode) != 0)
		emr_kit_die("cannot set the mode of %s", dir);
	close(fd);
}
