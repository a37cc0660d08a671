/* Prints the logits and the class of each image in a file, or checks the test vector if no file is named.
 *
 * A file holds one image or more, one behind the other, as network.h says. Compile with aann.c:
 *     cc -std=c99 -O2 main.c aann.c -o digits && ./digits image.bin
 */
#include <stdio.h>
#include <string.h>

#include "network.h"
#include "test_vector.h"

#define IMAGE_BYTES (AANN_SIZE * (long)sizeof(aann_input))

static struct aann memory;

/* Return the class of the largest logit; of equal ones, the first. */
static int largest(const int32_t *logits)
{
    int unit, found = 0;

    for (unit = 1; unit < AANN_CLASSES; ++unit) {
        if (logits[unit] > logits[found]) {
            found = unit;
        }
    }
    return found;
}

static void print(const int32_t *logits)
{
    int unit;

    for (unit = 0; unit < AANN_CLASSES; ++unit) {
        printf("%ld ", (long)logits[unit]);
    }
    printf("class %d\n", largest(logits));
}

static int check_test_vector(void)
{
    static aann_input images[AANN_LANES][AANN_SIZE];
    static int32_t logits[AANN_LANES][AANN_CLASSES];
    int lane;

    for (lane = 0; lane < AANN_LANES; ++lane) {
        memcpy(images[lane], aann_test_image, sizeof aann_test_image);
    }
    aann_run(&memory, images[0], logits[0]);
    for (lane = 0; lane < AANN_LANES; ++lane) {
        if (memcmp(logits[lane], aann_test_logits, sizeof aann_test_logits) != 0) {
            fprintf(stderr, "error: the logits of the test vector are not those of test_vector.h\n");
            return 1;
        }
    }
    print(logits[0]);
    return 0;
}

/* Return the number of images in a file, or 0 after one line that says what is wrong with it. */
static long count_images(FILE *file, const char *name)
{
    long size;

    if (file == NULL || fseek(file, 0, SEEK_END) != 0 || (size = ftell(file)) < 0 || fseek(file, 0, SEEK_SET) != 0) {
        fprintf(stderr, "error: %s: cannot be read; name a file of images\n", name);
        return 0;
    }
    if (size == 0 || size % IMAGE_BYTES != 0) {
        fprintf(
            stderr, "error: %s: has %ld bytes, expected %ld for each image (%d channels, %d rows, %d columns)\n", name,
            size, IMAGE_BYTES, AANN_CHANNELS, AANN_HEIGHT, AANN_WIDTH);
        return 0;
    }
    return size / IMAGE_BYTES;
}

static int run_file(FILE *file, long count)
{
    static aann_input images[AANN_LANES][AANN_SIZE];
    static int32_t logits[AANN_LANES][AANN_CLASSES];

    while (count > 0) {
        int lanes = count < AANN_LANES ? (int)count : AANN_LANES;
        int lane;

        if (fread(images, (size_t)IMAGE_BYTES, (size_t)lanes, file) != (size_t)lanes) {
            fprintf(stderr, "error: the file of images ends too early\n");
            return 1;
        }
        aann_run(&memory, images[0], logits[0]);
        for (lane = 0; lane < lanes; ++lane) {
            print(logits[lane]);
        }
        count -= lanes;
    }
    return 0;
}

int main(int count, char **names)
{
    FILE *file;
    long images;
    int status = 1;

    if (count < 2) {
        return check_test_vector();
    }
    file = fopen(names[1], "rb");
    images = count_images(file, names[1]);
    if (images > 0) {
        status = run_file(file, images);
    }
    if (file != NULL) {
        fclose(file);
    }
    return status;
}
