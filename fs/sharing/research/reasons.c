/* This file says in words why a file was withheld from a dataset. */
#include <string.h>

#include "kit/language.h"

#include "research/research.h"

static const struct {
	const char *why, *sentence;
} reasons[] = {{"not-dicom", N_("no DICOM file")}, {"damaged", N_("damaged")},
	{"too-complex", N_("more complex than any real file")},
	{"compression", N_("compressed in a way that is not looked into")},
	{"unknown-kind", N_("of a kind that no rule knows")},
	{"screenshot", N_("scanned, or of a screen: a name may stand in the picture")},
	{"photograph", N_("of a kind of picture that a name often stands in")},
	{"burned-in", N_("nothing says that no name stands in the picture")},
	{"document", N_("a document")}, {"report", N_("a report")},
	{"presentation", N_("graphics and labels on pictures")}, {"waveform", N_("a waveform")},
	{"treatment", N_("of a treatment: its labels may name somebody")},
	{"directory", N_("a list of other files")}, {"face", N_("a face can be drawn from it")},
	{"hidden-graphics", N_("something is hidden in its pixels")},
	{"found-again", N_("something of the original stood in the copy still")},
	{"stopped", N_("it broke the program that read it")},
	{"late", N_("reading it took too long")}, {"unreadable", N_("could not be read")},
	{"too-large", N_("larger than 1 GiB")}, {"no-file", N_("a link, or no file")},
	{"twice", N_("the same picture is there already")}, {"changed", N_("changed meanwhile")},
	{"pending", N_("not on the ledger yet: emrfs dataset update gives it when it is")},
	{"people", N_("of several people, or samples")}};
#define REASONS (sizeof reasons / sizeof *reasons)

const char *emr_withheld_word(size_t index)
{
	return index < REASONS ? reasons[index].why : NULL;
}

const char *emr_withheld_sentence(const char *why)
{
	for (size_t i = 0; i < REASONS; i++)
		if (strcmp(reasons[i].why, why) == 0)
			return reasons[i].sentence;
	return NULL;
}
