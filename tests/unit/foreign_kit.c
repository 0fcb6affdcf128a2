/* Tests of writing in somebody else's folder use this file: it does what a writer's programs do
 * there, and lets the two computers hear of each other. */
#include "foreign_kit.h"

static uint64_t directory_of(viewer *v, const char *inside, const char **out_name)
{
	char path[700];
	const char *slash;
	emr_attr attr;

	(void)snprintf(path, sizeof path, "%s", viewer_at(v, inside));
	slash = strrchr(path, '/');
	*out_name = strrchr(inside, '/') != NULL ? strrchr(inside, '/') + 1 : inside;
	path[slash - path] = 0;
	assert_ok(viewer_find(v, path, owner_answers, &attr));
	assert_ok(viewer_wait(v, attr.node, EMR_NEED_NAMES, owner_answers));
	return attr.node;
}

emr_status writer_try_write(viewer *v, const char *inside, const char *text)
{
	const char *name;
	uint64_t directory = directory_of(v, inside, &name);
	emr_handle *h = NULL;
	emr_attr attr;
	emr_status status = emr_view_lookup(v->view, directory, name, &attr);

	if (status == EMR_OK)
		status = emr_view_open_file(v->view, attr.node, O_WRONLY | O_TRUNC, &h);
	else if (status == EMR_NOT_FOUND)
		status = emr_view_create(v->view, directory, name, 0600, O_WRONLY, &attr, &h);
	if (status != EMR_OK)
		return status;
	assert_ok(emr_view_write(h, 0, emr_bytes_of(text, strlen(text))));
	kit_close_file(h);
	emr_view_forget(v->view, attr.node, 1);
	return EMR_OK;
}

void writer_put(viewer *v, const char *inside, const char *text)
{
	assert_ok(writer_try_write(v, inside, text));
}

emr_status writer_try_mkdir(viewer *v, const char *inside)
{
	const char *name;
	uint64_t directory = directory_of(v, inside, &name);
	emr_attr attr;

	return emr_view_mkdir(v->view, directory, name, 0700, &attr);
}

emr_status writer_try_rename(viewer *v, const char *from, const char *to)
{
	const char *name, *new_name;
	uint64_t directory = directory_of(v, from, &name),
		 new_directory = directory_of(v, to, &new_name);

	return emr_view_rename(v->view, directory, name, new_directory, new_name, 0);
}

emr_status writer_try_unlink(viewer *v, const char *inside)
{
	const char *name;
	uint64_t directory = directory_of(v, inside, &name);

	return emr_view_unlink(v->view, directory, name);
}

emr_status writer_try_rmdir(viewer *v, const char *inside)
{
	const char *name;
	uint64_t directory = directory_of(v, inside, &name);

	return emr_view_rmdir(v->view, directory, name);
}

const char *writer_list(viewer *v, const char *inside)
{
	return viewer_list(v, viewer_at(v, inside), owner_answers);
}

const char *writer_text(viewer *v, const char *inside)
{
	return viewer_text(v, viewer_at(v, inside), owner_answers);
}

/* His computer sends, and looks. */
void writer_send(viewer *v)
{
	assert_ok(emr_view_publish_now(v->view));
	kit_wait_ms(&v->s->k, 1000);
	viewer_run(v, owner_answers, 3);
}

/* And hers looks. */
void writer_exchange(viewer *v)
{
	writer_send(v);
	kit_publish_all(&v->s->k);
	kit_wait_ms(&v->s->k, 1000);
	viewer_run(v, owner_answers, 3);
}

uint64_t writer_pending(viewer *v)
{
	emr_view_counts counts;

	emr_view_count(v->view, &counts);
	return counts.pending + counts.failed;
}

void writer_reopen(viewer *v)
{
	char owner[300];

	memcpy(owner, v->owner, sizeof owner);
	viewer_close(v);
	viewer_open(v, v->s, &v->s->lima, "lima-folder", CONSULT);
	memcpy(v->owner, owner, sizeof owner);
}

/* Opened for writing in the middle: what is there comes first. */
emr_handle *writer_open_to_change(viewer *v, const char *inside)
{
	emr_handle *h = NULL;
	emr_attr attr;

	assert_ok(viewer_find(v, viewer_at(v, inside), owner_answers, &attr));
	assert_status(EMR_BUSY, emr_view_open_file(v->view, attr.node, O_RDWR, &h));
	assert_ok(viewer_wait(v, attr.node, EMR_NEED_BYTES, owner_answers));
	assert_ok(emr_view_open_file(v->view, attr.node, O_RDWR, &h));
	return h;
}

static bool add_hers(void *arg, const char *name, const emr_attr *attr, uint64_t next)
{
	char *text = arg;

	(void)attr;
	(void)next;
	if (name[0] != '.')
		(void)snprintf(text + strlen(text), 2000 - strlen(text), "%s%s",
			text[0] != 0 ? "," : "", name);
	return true;
}

const char *hers(story *s, const char *path)
{
	static char text[2000];

	text[0] = 0;
	assert_ok(emr_view_each_entry(
		s->k.view, kit_attr(&s->k, path).node, 0, false, add_hers, text));
	return text;
}
