"""Trains a residual network on random images in memory, and prints the rate as JSON.

In PyTorch's favour: no image is read or augmented, a batch is one gather, the loss is not read, and of the layouts, number types and optimizer loops that
this machine has, the fastest is taken.
"""
import json
import resource
import sys
import time

import torch
import torch.nn as nn
import torch.nn.functional as F

IMAGES = 2048


class Block(nn.Module):
    def __init__(self, inputs, width, stride, bottleneck, projection):
        super().__init__()
        outputs = 4 * width if bottleneck else width
        kernels = [(inputs, width, 1, 1), (width, width, 3, stride), (width, outputs, 1, 1)] if bottleneck else [(inputs, width, 3, stride), (width, width, 3, 1)]
        layers = []
        for channels, filters, kernel, step in kernels:
            layers += [nn.Conv2d(channels, filters, kernel, step, kernel // 2, bias=False), nn.BatchNorm2d(filters), nn.ReLU(inplace=True)]
        self.residual = nn.Sequential(*layers[:-1])
        self.new_channels = outputs - inputs
        self.shortcut = nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs)) if projection and (stride != 1 or inputs != outputs) else None
        self.outputs = outputs

    def forward(self, x):
        if self.shortcut is not None:
            shortcut = self.shortcut(x)
        elif self.new_channels:
            shortcut = F.pad(x[:, :, ::2, ::2], (0, 0, 0, 0, self.new_channels // 2, self.new_channels - self.new_channels // 2))
        else:
            shortcut = x
        return F.relu(self.residual(x).add_(shortcut), inplace=True)


def network(work):
    width = work["width"]
    if work["small"]:
        layers = [nn.Conv2d(3, width, 3, 1, 1, bias=False), nn.BatchNorm2d(width), nn.ReLU(inplace=True)]
    else:
        layers = [nn.Conv2d(3, width, 7, 2, 3, bias=False), nn.BatchNorm2d(width), nn.ReLU(inplace=True), nn.MaxPool2d(3, 2, 1)]
    inputs = width
    for stage, depth in enumerate(work["depths"]):
        for block in range(depth):
            layers.append(Block(inputs, width << stage, 2 if stage > 0 and block == 0 else 1, work["bottleneck"], work["projection"]))
            inputs = layers[-1].outputs
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(inputs, work["classes"]))


class Training:
    def __init__(self, work, layout, half):
        self.half = half
        self.batch = work["batch"]
        self.model = network(work).to(memory_format=layout)
        try:
            self.optimizer = torch.optim.SGD(self.model.parameters(), 0.01, momentum=0.9, weight_decay=1e-4, foreach=True)
        except TypeError:  # older than 1.12
            self.optimizer = torch.optim.SGD(self.model.parameters(), 0.01, momentum=0.9, weight_decay=1e-4)
        count = min(IMAGES, max(self.batch * 4, 64))
        self.images = torch.randn(count, 3, work["size"], work["size"]).contiguous(memory_format=layout)
        self.labels = torch.randint(work["classes"], (count,))

    def step(self):
        chosen = torch.randperm(len(self.labels))[: self.batch]
        images, labels = self.images[chosen], self.labels[chosen]
        self.optimizer.zero_grad(set_to_none=True)
        with torch.autocast("cpu", torch.bfloat16, enabled=self.half):
            logits = self.model(images)
        F.cross_entropy(logits.float(), labels).backward()
        self.optimizer.step()

    def rate(self, seconds, least=2):
        start, steps = time.perf_counter(), 0
        while steps < least or time.perf_counter() - start < seconds:
            self.step()
            steps += 1
        return steps * self.batch / (time.perf_counter() - start)


def main():
    work = json.loads(sys.argv[1])
    torch.manual_seed(1)
    torch.set_num_threads(work["threads"])
    try:
        flags = open("/proc/cpuinfo").read()
    except OSError:
        flags = ""
    best = None
    for half in [False, True] if "avx512_bf16" in flags or "amx_bf16" in flags else [False]:
        for name, layout in [("contiguous", torch.contiguous_format), ("channels_last", torch.channels_last)]:
            training = Training(work, layout, half)
            training.step()
            rate = training.rate(work["warmup"] / 2)
            if best is None or rate > best[0]:
                best = (rate, f"{name}, {'bfloat16' if half else 'float32'}", layout, half)
    training = Training(work, best[2], best[3])
    training.rate(work["warmup"] / 2)
    rate = training.rate(work["seconds"])
    print(json.dumps({
        "ImagesPerSecond": rate,
        "Parameters": sum(parameter.numel() for parameter in training.model.parameters()),
        "Note": best[1],
        "PeakMemory": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
    }))


main()
