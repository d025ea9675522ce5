// A browser, a training run and 100,000 files at once would only wait for each other.
[assembly: CollectionBehavior(DisableTestParallelization = true)]
