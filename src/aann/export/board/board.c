/* Runs a network on an emulated Cortex-M without a C library: images come from the file `images` on the host, and their
 * logits go to the file `logits`, by semihosting. So do the instructions that the images took, and the deepest stack.
 */
#include "network.h"

#define SYSTICK ((volatile uint32_t *)0xE000E010) /* control, reload, current */
#define STACK 1024                                /* bytes of it that are watched */
#define PAINT 0xA5A5A5A5u

enum { OPEN = 0x01, WRITE = 0x05, READ = 0x06, EXIT = 0x18 };
enum { READ_BINARY = 1, WRITE_BINARY = 5, ENDED = 0x20026 };

extern uint32_t end_of_memory[];

static struct aann memory;
static aann_input image[AANN_SIZE];
static int32_t logits[AANN_CLASSES];

void start(void);

__attribute__((section(".vectors"), used)) static const void *const vectors[] = {end_of_memory, (const void *)start};

static int call(int operation, const void *argument)
{
    register int result __asm__("r0") = operation;
    register const void *given __asm__("r1") = argument;

    __asm__ volatile("bkpt 0xAB" : "+r"(result) : "r"(given) : "memory");
    return result;
}

static int open_file(const char *name, int length, int mode)
{
    const uint32_t block[] = {(uint32_t)name, (uint32_t)mode, (uint32_t)length};

    return call(OPEN, block);
}

/* Read or write some bytes, and return how many were not. */
static int transfer(int operation, int file, void *bytes, unsigned count)
{
    const uint32_t block[] = {(uint32_t)file, (uint32_t)bytes, count};

    return call(operation, block);
}

static uint32_t ticks_since(uint32_t before)
{
    return (before - SYSTICK[2]) & 0xFFFFFF;
}

/* Return the ticks of 1,000,000 instructions. */
static uint32_t ticks_of_a_million(void)
{
    uint32_t before = SYSTICK[2];
    uint32_t count = 500000;

    __asm__ volatile(".syntax unified\n1: subs %0, #1\n bne 1b" : "+l"(count) : : "cc");
    return ticks_since(before);
}

static uint32_t deepest_stack(void)
{
    const uint32_t *at = end_of_memory - STACK / 4;

    while (*at == PAINT) {
        ++at;
    }
    return (uint32_t)((const char *)end_of_memory - (const char *)at);
}

__attribute__((noinline)) static void run(void)
{
    int images = open_file("images", 6, READ_BINARY);
    int found = open_file("logits", 6, WRITE_BINARY);
    int measured = open_file("measured", 8, WRITE_BINARY);
    static uint32_t numbers[4]; /* ticks of a million instructions, images, ticks of images, bytes of stack */

    SYSTICK[0] = 4; /* at the clock of the processor */
    SYSTICK[1] = 0xFFFFFF;
    SYSTICK[2] = 0;
    SYSTICK[0] = 5; /* and on */
    while (SYSTICK[2] == 0) {
    }
    numbers[0] = ticks_of_a_million();
    while (transfer(READ, images, image, sizeof image) == 0) {
        uint32_t before = SYSTICK[2];

        aann_run(&memory, image, logits);
        numbers[2] += ticks_since(before);
        numbers[1] += 1;
        transfer(WRITE, found, logits, sizeof logits);
    }
    numbers[3] = deepest_stack();
    transfer(WRITE, measured, numbers, sizeof numbers);
    call(EXIT, (const void *)ENDED);
}

void start(void)
{
    uint32_t *at = end_of_memory - STACK / 4;
    uint32_t *here = (uint32_t *)__builtin_frame_address(0) - 16;

    while (at < here) {
        *at++ = PAINT;
    }
    run();
    for (;;) {
    }
}
