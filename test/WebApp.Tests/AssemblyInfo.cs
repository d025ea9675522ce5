// A browser, a training process and 200 clients at once would only wait for each other.
[assembly: CollectionBehavior(DisableTestParallelization = true)]
